// Package probe finds out whether the program that reads a bundle's files is
// well after a reload.
package probe

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// What the zero values of a Probe stand for.
const (
	defaultWithin   = 10 * time.Second
	defaultInterval = 250 * time.Millisecond
	defaultTimeout  = 5 * time.Second
)

// A Probe is something that must hold. Exactly one of Args, HTTP and TCP is set;
// see Validate.
type Probe struct {
	Args []string // a command, as in process.Command, that must succeed
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

// Run runs a command of a probe for at most timeout, which is never zero, and
// returns the end of what it printed. If ctx ends, it ends the command and
// returns.
type Run = func(ctx context.Context, args []string, timeout time.Duration) (output string, err error)

// Hold waits until p holds, and has held for p.For without a break; a break
// starts that time anew, as long as p.Within is not over. The error is one line
// that says what was tried, for how long, and what came of it last.
//
// A redirect is an answer as any other; it is not followed. Proxies of the
// environment are not used, as what is asked is mostly near. run is called for a
// p with Args only. If ctx ends, Hold returns its cause, wrapped.
//
// p must be valid. Hold may be called concurrently; it starts nothing that
// outlives it.
func (p Probe) Hold(ctx context.Context, run Run) error {
	p = p.withDefaults()
	try, done := p.means(run)
	defer done()
	h := holding{probe: p, deadline: time.Now().Add(p.Within)}
	for {
		said := try(ctx, h.limit(time.Now()))
		if ctx.Err() != nil {
			return fmt.Errorf("%v: %w", p, context.Cause(ctx))
		}
		wait, over, err := h.heard(said, time.Now())
		if over {
			return err
		}
		if !sleep(ctx, wait) {
			return fmt.Errorf("%v: %w", p, context.Cause(ctx))
		}
	}
}

// sleep returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p Probe) withDefaults() Probe {
	for _, d := range []struct {
		value *time.Duration
		zero  time.Duration
	}{{&p.Within, defaultWithin}, {&p.Interval, defaultInterval}, {&p.Timeout, defaultTimeout}} {
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	return p
}

// String says what is tried. A password in the URL is left out.
func (p Probe) String() string {
	switch {
	case p.HTTP != "":
		u, err := url.Parse(p.HTTP)
		if err != nil {
			return "GET of an invalid URL"
		}
		return "GET " + u.Redacted()
	case p.TCP != "":
		return "connection to " + p.TCP
	case len(p.Args) > 0:
		return fmt.Sprintf("command %q", strings.Join(p.Args, " "))
	}
	return "nothing"
}
