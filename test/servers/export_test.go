package servers

// ReadyAddr is where nginx answers as soon as it runs.
func (w *Web) ReadyAddr() string { return loopback(w.ports[1]) }
