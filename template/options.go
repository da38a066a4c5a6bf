package template

import "time"

// Options say what a template is. They are plain values.
type Options struct {
	// Name is how errors and logs call the template: its source file, or
	// "(dynamic)" for text that stands in the configuration.
	Name string

	// Text is the template itself.
	Text string

	// LeftDelim and RightDelim are the action delimiters, "" for {{ and }}.
	LeftDelim, RightDelim string

	// ErrorOnMissingKey makes looking up a key that a map does not have an
	// error; otherwise the result prints as <no value>.
	ErrorOnMissingKey bool

	// FunctionDenylist holds patterns of functions that may not be called,
	// with * for any run of characters.
	FunctionDenylist []string

	// SandboxPath is the directory that the function file may read from, ""
	// for no limit.
	SandboxPath string

	// CertFiles are the files in which a certificate of the function pkiCert is
	// kept, and found again after a restart. Templates that ask for the same
	// certificate with the same CertFiles share it. None: nothing keeps it.
	CertFiles []string

	// MaxOutput is how large the output may be, in bytes; 0 for 256 MiB.
	MaxOutput int

	// MaxTime is how long an execution may take; 0 for a minute.
	MaxTime time.Duration
}
