// Package client makes requests to HashiCorp Vault over HTTP, and interprets error
// replies: whether Vault can be reached, whether anything may have been issued, and
// what a person can do.
//
// No error contains a token, or what else a request hides.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"restencil/watch"
	"restencil/watch/transport"
)

// Options configure a Client. The VAULT_* variables set zero fields, but TLS.SkipVerify.
type Options struct {
	transport.Server

	UserAgent string // "" is Go's own

	// Resend sends a request that fails for a transient reason again, as often as
	// VAULT_MAX_RETRIES says (default 2), as one attempt of consul-template does
	// (COMPAT 4.10.3).
	Resend bool
}

// A Client makes requests over HTTP; it implements Caller. It does not use Vault's
// library, which reads replies of any length, and takes 1 MB of every process.
type Client struct {
	environment
	url     *url.URL // of the server
	assumed bool     // the address is the default
	http    *http.Client
	counter *transport.Counter // of the requests
}

// New returns a Client. It reads the files that o names, and makes no request.
func New(o Options) (*Client, error) {
	e, err := readEnvironment(o.Getenv)
	if err != nil {
		return nil, err
	}
	address := cmp.Or(o.Address, e.address, defaultAddress)
	at, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	connections := o.Transport.New()
	if socket, ok := strings.CutPrefix(address, "unix://"); ok {
		at = &url.URL{Scheme: "http", Host: "localhost"}
		o.Transport.DialUnix(connections, socket)
	}
	if connections.TLSClientConfig, err = tlsFromEnv(o.TLS, o.Getenv).Config(); err != nil {
		return nil, err
	}
	if o.Namespace != "" {
		e.header.Set("X-Vault-Namespace", o.Namespace)
	}
	if o.UserAgent != "" {
		e.header.Add("User-Agent", o.UserAgent)
	}
	if !o.Resend {
		e.resends = 0
	}
	counter := transport.Count(connections)
	return &Client{
		environment: e,
		counter:     counter,
		url:         at,
		assumed:     address == defaultAddress && o.Address == "",
		http: &http.Client{
			Transport: transport.Traced(counter, o.Log),
			// Package http would follow the redirect of a PUT with a GET.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Namespace returns the namespace that requests are for.
func (c *Client) Namespace() string { return c.header.Get("X-Vault-Namespace") }

// Counts returns how many requests and connections there are, and have been.
func (c *Client) Counts() watch.Counts { return c.counter.Counts() }

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Call implements Caller.
func (c *Client) Call(ctx context.Context, r Request) (*watch.Secret, error) {
	secret, err := c.try(ctx, r)
	for n := 0; n < c.resends && ctx.Err() == nil && transient(err) && (!r.Once || Harmless(err)); n++ {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second + rand.N(time.Second/2)):
			secret, err = c.try(ctx, r)
		}
	}
	if err == nil || Status(err) != 0 {
		return secret, err
	}
	// Add advice to an error of the network.
	text := err.Error()
	switch {
	case c.assumed && errors.Is(err, syscall.ECONNREFUSED):
		err = fmt.Errorf("%w (no address is configured: set vault { address = … } or VAULT_ADDR)", err)
	case strings.Contains(text, "unsupported protocol scheme"):
		err = fmt.Errorf("%w (the address must begin with http://, https:// or unix://)", err)
	}
	if text := transport.Line(err.Error(), r.secrets()...); text != err.Error() {
		return nil, errors.New(text)
	}
	return nil, err
}

// transient reports whether Vault's library would send a request again that failed
// with err.
func transient(err error) bool {
	status := Status(err)
	return err != nil && (status == 0 || status == http.StatusPreconditionFailed || status == http.StatusTooManyRequests ||
		status >= 500 && status != http.StatusNotImplemented)
}

// try sends a request, following one redirect, and reads the reply.
func (c *Client) try(ctx context.Context, r Request) (*watch.Secret, error) {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		late := fmt.Errorf("no answer within %s", c.timeout)
		ctx, cancel = context.WithTimeoutCause(ctx, c.timeout, late)
		defer cancel()
	}
	if c.limiter != nil {
		if err := c.limiter.Wait(ctx); err != nil {
			return nil, fmt.Errorf("waiting for VAULT_RATE_LIMIT: %w", err)
		}
	}
	response, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return readAnswer(response, r.secrets())
}

// send sends a request and returns the reply. It follows one redirect: a standby
// that does not forward requests redirects them to the active server.
func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = json.Marshal(r.Body); err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
	}
	to := *c.url
	to.Path, to.RawQuery = path.Join(to.Path, "/v1/", r.Path), r.Query.Encode()
	if c.srv && to.Port() == "" {
		if _, found, err := net.DefaultResolver.LookupSRV(ctx, "http", "tcp", to.Hostname()); err == nil && len(found) > 0 {
			to.Host = net.JoinHostPort(found[0].Target, strconv.Itoa(int(found[0].Port)))
		}
	}
	response, err := c.do(ctx, r, &to, c.url.Host, body)
	if err != nil || c.noRedirect {
		return response, err
	}
	switch response.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return response, nil
	}
	defer response.Body.Close()
	next, err := response.Location()
	if err != nil {
		return nil, fmt.Errorf("following a redirect: %w", err)
	}
	// The standby may name any host, but the token is never sent in the clear.
	if to.Scheme == "https" && next.Scheme != "https" {
		return nil, fmt.Errorf("redirected from %s to %s://%s, which does not use TLS: set the address of the active server", to.Host, next.Scheme, next.Host)
	}
	return c.do(ctx, r, next, next.Host, body)
}

// do sends a request. Package http sends a request without a body again if the
// connection ends before the reply, unless Once is set.
func (c *Client) do(ctx context.Context, r Request, to *url.URL, host string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body == nil && r.Once {
		// A body of unknown length that cannot be read again.
		request.Body, request.GetBody = io.NopCloser(strings.NewReader("")), nil
	}
	request.Host, request.Header = host, c.header.Clone()
	if r.Token != "" {
		request.Header.Set("X-Vault-Token", string(r.Token))
	}
	ttl := c.wrapTTL
	if r.Method == http.MethodPut && r.Path == "sys/wrapping/wrap" {
		ttl = cmp.Or(ttl, "5m")
	}
	if ttl != "" {
		request.Header.Set("X-Vault-Wrap-TTL", ttl)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, &UnansweredError{transport.Explain(request.URL, transport.Cause(err))}
	}
	return response, nil
}
