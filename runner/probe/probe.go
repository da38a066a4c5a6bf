// Package probe finds out whether the program that reads a bundle's files is
// well after a reload.
package probe

import "time"

// A Probe is something that must hold. Exactly one of Args, HTTP and TCP is set.
type Probe struct {
	Args []string // a command, as in apply.Command, that must succeed
	HTTP string   // a URL; a GET must be answered with a status below 400
	TCP  string   // host:port; a connection must be accepted

	Within   time.Duration // how long it may take until it holds. Zero: 10 s
	For      time.Duration // how long it must hold then, without a break. Zero: once is enough
	Interval time.Duration // between tries. Zero: 250 ms
	Timeout  time.Duration // of one try. Zero: 5 s
}
