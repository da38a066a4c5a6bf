package servers

// ReadyAddr is where nginx answers as soon as it runs.
func (w *Web) ReadyAddr() string { return loopback(w.ports[1]) }

// Dir is where PostgreSQL has its data, outside of the test's directory.
func (p *PostgresServer) Dir() string { return p.dir }
