// Package format tells whether a file's content is what it should be, without
// a command: JSON, YAML, TOML, HCL, XML, or X.509 certificates and keys. It is
// pure.
package format

// A Format is what a file must hold.
type Format string

// The formats.
const (
	JSON Format = "json"
	YAML Format = "yaml"
	TOML Format = "toml"
	HCL  Format = "hcl"
	XML  Format = "xml"
	X509 Format = "x509" // PEM: certificates, which are not expired, or a key; together they match
)
