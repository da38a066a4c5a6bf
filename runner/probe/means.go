package probe

import (
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

// means returns how to try p, and what to call when that is over.
func (p Probe) means(run Run) (try tryFunc, done func()) {
	switch {
	case p.HTTP != "":
		client, done := p.client()
		return p.bounded(func(ctx context.Context) error { return p.get(ctx, client) }), done
	case p.TCP != "":
		return p.bounded(p.connect), func() {}
	}
	return func(ctx context.Context, limit time.Duration) error {
		output, err := run(ctx, p.Args, limit)
		if line := lastLine(output); err != nil && line != "" {
			return fmt.Errorf("%w: %q", err, line)
		}
		return err
	}, func() {}
}

// bounded returns try with a limit.
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
func (p Probe) client() (client *http.Client, done func()) {
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
	}, transport.CloseIdleConnections
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
	var in *url.Error
	if errors.As(err, &in) {
		return in.Err
	}
	return err
}

func (p Probe) connect(ctx context.Context) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", p.TCP)
	if err != nil {
		return err
	}
	return c.Close()
}

// lastLine returns the last line of output that is not blank, and of that no
// more than its end.
func lastLine(output string) string {
	output = strings.TrimSpace(output)
	line := strings.TrimSpace(output[strings.LastIndexByte(output, '\n')+1:])
	return line[max(0, len(line)-maxSaid):]
}
