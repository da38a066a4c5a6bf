// Package probe finds out whether the program that reads a bundle's files is
// well after a reload.
package probe

import (
	"context"
	"time"
)

// A Probe is something that must hold. Exactly one of Args, HTTP and TCP is set.
type Probe struct {
	Args []string // a command, as in apply.Command, that must succeed
	HTTP string   // a URL; a GET must be answered with a status below 400
	TCP  string   // host:port; a connection must be accepted

	// Host is the Host header of the GET, and the name that the server's
	// certificate must bear. "": the URL's.
	Host       string
	Status     int  // what the GET must be answered with. Zero: any below 400
	SkipVerify bool // the certificate of an https URL is not looked at

	Within   time.Duration // how long it may take until it holds. Zero: 10 s
	For      time.Duration // how long it must hold then, without a break. Zero: once is enough
	Interval time.Duration // between tries. Zero: 250 ms
	Timeout  time.Duration // of one try. Zero: 5 s
}

// Run runs a command of a probe for at most timeout, and returns the end of what
// it printed.
type Run = func(ctx context.Context, args []string, timeout time.Duration) (output string, err error)

// Hold waits until p holds, and has held for p.For.
func (p Probe) Hold(ctx context.Context, run Run) error { return nil }

// String says what is tried.
func (p Probe) String() string { return "" }

// Validate tells what is wrong with p itself.
func (p Probe) Validate() error { return nil }
