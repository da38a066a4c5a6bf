// Package probe finds out whether the program that reads a bundle's files is
// well after a reload.
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
	p.Within = cmp.Or(p.Within, 10*time.Second)
	p.Interval = cmp.Or(p.Interval, 250*time.Millisecond)
	p.Timeout = cmp.Or(p.Timeout, 5*time.Second)
	try := p.means(run)
	deadline := time.Now().Add(p.Within) // it must have begun to hold by then
	var since time.Time                  // when it began to; zero while it does not
	var last error                       // what was wrong last
	for tries := 1; ; tries++ {
		limit := p.Timeout
		if since.IsZero() { // a try that finds out whether it holds at all ends at the deadline
			limit = min(limit, time.Until(deadline))
		}
		said := try(ctx, limit)
		if ctx.Err() != nil {
			return fmt.Errorf("%v: %w", p, context.Cause(ctx))
		}
		now, wait := time.Now(), p.Interval
		switch held := now.Sub(since); {
		case said == nil && since.IsZero():
			since, wait = now, min(wait, p.For)
		case said == nil:
			wait = min(wait, p.For-held)
		case !since.IsZero() && !now.Add(wait).Before(deadline):
			return fmt.Errorf("%v: held for %v of %v, then: %w", p, round(held), p.For, said)
		default:
			if last != nil && since.IsZero() && !now.Before(deadline) {
				said = last // this try was cut off, which says nothing
			}
			since, last = time.Time{}, said
			if now.Add(wait).Before(deadline) {
				break
			}
			times := "once"
			if tries > 1 {
				times = fmt.Sprintf("%d times", tries)
			}
			return fmt.Errorf("%v: tried for %v, %s: %w", p, p.Within, times, said)
		}
		if wait <= 0 {
			return nil // it has held for long enough
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%v: %w", p, context.Cause(ctx))
		}
	}
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

// round leaves out of a time what is of no use to a person.
func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// Validate tells what is wrong with p itself, in the words of its fields as a
// configuration has them. It asks no one.
func (p Probe) Validate() error {
	means := 0
	for _, set := range []bool{len(p.Args) > 0, p.HTTP != "", p.TCP != ""} {
		if set {
			means++
		}
	}
	switch {
	case means == 0:
		return errors.New("one of command, http and tcp is required")
	case means > 1:
		return errors.New("only one of command, http and tcp may be set")
	case p.HTTP != "": // which is not quoted, as a password may be in it
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

const (
	// maxBody is how much of an answer is read, so that the server need not
	// note that its client went away.
	maxBody = 64 << 10

	maxHeader = 64 << 10 // of an answer

	// maxSaid is how much of a command's last line is in an error.
	maxSaid = 200
)

// A tryFunc tries once, for at most limit.
type tryFunc func(ctx context.Context, limit time.Duration) error

// means returns how to try p.
func (p Probe) means(run Run) tryFunc {
	switch {
	case p.HTTP != "":
		client := p.client()
		return p.bounded(func(ctx context.Context) error { return p.get(ctx, client) })
	case p.TCP != "":
		return p.bounded(func(ctx context.Context) error {
			c, err := new(net.Dialer).DialContext(ctx, "tcp", p.TCP)
			if err != nil {
				return err
			}
			return c.Close()
		})
	}
	return func(ctx context.Context, limit time.Duration) error {
		output, err := run(ctx, p.Args, limit)
		if line := lastLine(output); err != nil && line != "" {
			return fmt.Errorf("%w: %q", err, line)
		}
		return err
	}
}

func (p Probe) bounded(try func(context.Context) error) tryFunc {
	return func(ctx context.Context, limit time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		err := try(ctx)
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("no answer within %v", round(limit))
		}
		return err
	}
}

// client returns a client that makes a connection for each request: one that was
// made before the reload would ask the program as it was.
func (p Probe) client() *http.Client {
	transport := &http.Transport{
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxHeader,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: p.SkipVerify},
	}
	if p.Host != "" {
		transport.TLSClientConfig.ServerName = (&url.URL{Host: p.Host}).Hostname() // without its port
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (p Probe) get(ctx context.Context, client *http.Client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.HTTP, nil)
	if err != nil {
		return withoutURL(err)
	}
	request.Host = p.Host
	request.Header.Set("User-Agent", "restencil")
	response, err := client.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxBody) // what it holds is not asked
	if p.Status == 0 && response.StatusCode < 400 || response.StatusCode == p.Status {
		return nil
	}
	if p.Status == 0 {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return fmt.Errorf("status %d, not %d", response.StatusCode, p.Status)
}

// withoutURL leaves the URL out, which the error of Hold has already.
func withoutURL(err error) error {
	if in, ok := errors.AsType[*url.Error](err); ok {
		return in.Err
	}
	return err
}

// lastLine returns the last line of output that is not blank, and of that no
// more than its end.
func lastLine(output string) string {
	output = strings.TrimSpace(output)
	line := strings.TrimSpace(output[strings.LastIndexByte(output, '\n')+1:])
	return line[max(0, len(line)-maxSaid):]
}
