package transport

// TLS says how to use TLS (COMPAT 2.5.11). What is zero, a store's own
// environment variables say, or the system.
type TLS struct {
	// Enabled says that TLS is used whatever the address says, and that the
	// variables for certificates have no effect. Consul's alone: for the others
	// the address decides.
	Enabled bool

	SkipVerify  bool   // take any certificate
	Cert, Key   string // files of the client's own certificate; no Key: it stands in Cert
	CACert      string // file of the authorities to trust; "" is CACertBytes
	CACertBytes string // PEM text of them, not for Consul; "" is CAPath
	CAPath      string // directory of such files; "" is the system's authorities
	ServerName  string // the name in the server's certificate; "" is the address's
}
