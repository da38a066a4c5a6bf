// Package probe checks that the program that reads a bundle's files works after a
// reload.
package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Probe is a condition that must hold. Exactly one of Args, HTTP and TCP is set;
// see Validate.
type Probe struct {
	Args []string // a command, as in process.Command, that must succeed
	HTTP string   // a URL; the response to a GET must have the right Status
	TCP  string   // host:port; it must accept a connection

	// Host is the Host header of the GET, and the name that the server's
	// certificate must have. "": the URL's.
	Host       string
	Status     int  // the status that the GET must have. Zero: any below 400
	SkipVerify bool // accepts any certificate of an https URL

	Within   time.Duration // limit for p to begin to hold. Zero: 10 s
	For      time.Duration // how long p must hold then, without a break. Zero: one try is enough
	Interval time.Duration // between tries. Zero: 250 ms
	Timeout  time.Duration // of one try. Zero: 5 s
}

// Run runs the command of a probe for at most timeout, which is never zero, and
// returns the end of what it printed. If ctx ends, it ends the command and returns.
type Run = func(ctx context.Context, args []string, timeout time.Duration) (output string, err error)

// Wait waits until p has held for p.For without a break, and began to within
// p.Within. The error is one line: what was tried, for how long, and the last result.
//
// A redirect is an answer like any other; it is not followed. Wait uses no proxy of
// the environment. It calls run only for a p with Args. If ctx ends, Wait returns its
// cause, wrapped.
//
// p must be valid. Wait may be called concurrently; it starts nothing that outlives it.
func (p Probe) Wait(ctx context.Context, run Run) error {
	p.Within = cmp.Or(p.Within, 10*time.Second)
	p.Interval = cmp.Or(p.Interval, 250*time.Millisecond)
	p.Timeout = cmp.Or(p.Timeout, 5*time.Second)
	deadline := time.Now().Add(p.Within) // for p to begin to hold
	var since time.Time                  // when it began to; zero while it does not hold
	var last error                       // of the last try that failed
	for tries := 1; ; tries++ {
		limit := p.Timeout
		if since.IsZero() {
			limit = min(limit, time.Until(deadline))
		}
		err := p.try(ctx, run, limit)
		if ctx.Err() != nil {
			return fmt.Errorf("%v: %w", p, context.Cause(ctx))
		}
		now, wait := time.Now(), p.Interval
		late := !now.Add(wait).Before(deadline) // for another try to find that p begins to hold
		switch {
		case err == nil:
			if since.IsZero() {
				since = now
			}
			if wait = min(wait, p.For-now.Sub(since)); wait <= 0 {
				return nil
			}
		case late && !since.IsZero():
			return fmt.Errorf("%v: held for %v of %v, then: %w", p, now.Sub(since).Round(time.Millisecond), p.For, err)
		case late:
			if last != nil && !now.Before(deadline) {
				err = last // the deadline cut this try off
			}
			times := "once"
			if tries > 1 {
				times = fmt.Sprintf("%d times", tries)
			}
			return fmt.Errorf("%v: tried for %v, %s: %w", p, p.Within, times, err)
		default:
			since, last = time.Time{}, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%v: %w", p, context.Cause(ctx))
		}
	}
}

// String returns what p tries, without the password of a URL.
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
	}
	return fmt.Sprintf("command %q", strings.Join(p.Args, " "))
}

// Validate returns what is wrong with p, with the names of the configuration. It
// tries nothing.
func (p Probe) Validate() error {
	kinds := 0
	for _, set := range []bool{len(p.Args) > 0, p.HTTP != "", p.TCP != ""} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return errors.New("one of command, http and tcp is required")
	case kinds > 1:
		return errors.New("only one of command, http and tcp may be set")
	case p.HTTP != "": // not quoted: it may have a password
		u, err := url.Parse(p.HTTP)
		switch {
		case err != nil:
			return errors.New("http is not a URL")
		case u.Scheme != "http" && u.Scheme != "https":
			return errors.New("http must begin with http:// or https://")
		case u.Hostname() == "":
			return errors.New("http has no host")
		}
	case p.TCP != "":
		if _, port, err := net.SplitHostPort(p.TCP); err != nil || port == "" {
			return fmt.Errorf("tcp %q is not host:port", p.TCP)
		}
	case p.Args[0] == "":
		return errors.New("the command is empty")
	}
	if p.HTTP == "" && (p.Host != "" || p.Status != 0 || p.SkipVerify) {
		return errors.New("host, status and skip_verify are for http only")
	}
	if p.Status != 0 && (p.Status < 100 || p.Status > 599) {
		return fmt.Errorf("status %d is not one of HTTP", p.Status)
	}
	if strings.ContainsAny(p.Host, " /@\t\r\n") {
		return fmt.Errorf("host %q is not a host", p.Host)
	}
	if p.Within < 0 || p.For < 0 || p.Interval < 0 || p.Timeout < 0 {
		return errors.New("a time is negative")
	}
	return nil
}

// try tries p once, for at most limit.
func (p Probe) try(ctx context.Context, run Run, limit time.Duration) (err error) {
	if len(p.Args) > 0 {
		output, err := run(ctx, p.Args, limit)
		if line := lastLine(output); err != nil && line != "" {
			return fmt.Errorf("%w: %q", err, line)
		}
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if p.HTTP != "" {
		err = p.get(ctx)
	} else {
		var c net.Conn
		if c, err = new(net.Dialer).DialContext(ctx, "tcp", p.TCP); err == nil {
			err = c.Close()
		}
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v", limit.Round(time.Millisecond))
	}
	if in, ok := errors.AsType[*url.Error](err); ok {
		return in.Err // the error of Wait has the URL already
	}
	return err
}

// maxResponse is how much of a response's header and body is read, in bytes. The
// body is read so that the server need not note that its client went away.
const maxResponse = 64 << 10

// get makes the request over a connection of its own: one from before the reload
// could lead to the program as it was.
func (p Probe) get(ctx context.Context) error {
	transport := &http.Transport{
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxResponse,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: p.SkipVerify},
	}
	if p.Host != "" {
		transport.TLSClientConfig.ServerName = (&url.URL{Host: p.Host}).Hostname() // without its port
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.HTTP, nil)
	if err != nil {
		return err
	}
	request.Host = p.Host
	request.Header.Set("User-Agent", "restencil")
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxResponse)
	switch {
	case p.Status == 0 && response.StatusCode < 400, response.StatusCode == p.Status:
		return nil
	case p.Status == 0:
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return fmt.Errorf("status %d, not %d", response.StatusCode, p.Status)
}

// maxLine is how much of the last line that a command printed is in an error, in bytes.
const maxLine = 200

// lastLine returns the end of the last line of output that is not blank.
func lastLine(output string) string {
	output = strings.TrimSpace(output)
	line := strings.TrimSpace(output[strings.LastIndexByte(output, '\n')+1:])
	return line[max(0, len(line)-maxLine):]
}
