// Package client makes requests to HashiCorp Vault over HTTP, and says what an
// error reply means: whether the store can be reached, whether anything may have
// been made, and what a person can do about it.
//
// No error holds a token or what else a request hides.
package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/vault/api"
	"golang.org/x/time/rate"

	"restencil/watch"
	"restencil/watch/filewatch"
	"restencil/watch/transport"
)

// Options say which Vault to ask, and how. What they leave open, Vault's own
// library takes from the VAULT_* variables (COMPAT 1.8).
type Options struct {
	// Address of the server, with its scheme: http://…, https://… or
	// unix:///path. "" is VAULT_AGENT_ADDR, then VAULT_ADDR, and without
	// those https://127.0.0.1:8200.
	Address string

	Namespace string // of every request; "" is VAULT_NAMESPACE
	UserAgent string // "" is Go's own
	Transport transport.Options

	// TLS leaves open whether it is used, which the address says, and what the
	// VAULT_* variables say, but for SkipVerify: who has certificates verified
	// must not be overruled.
	TLS transport.TLS

	// Timeout is how long a request may take. Zero is VAULT_CLIENT_TIMEOUT,
	// and without that 60 s.
	Timeout time.Duration

	// Resend has a request that fails for reasons that may pass sent again by
	// itself, as often as VAULT_MAX_RETRIES says, which is twice: one attempt
	// of consul-template's is so many requests (COMPAT 4.10.3).
	Resend bool

	// Log is told of requests, at trace. Nil: nobody is told.
	Log *slog.Logger
}

// A Client makes requests over HTTP; it implements Caller. Vault's own library
// reads the environment and makes the requests; sending them is done here, for
// the library would read answers of any length.
//
// It has two methods of the library's client, and not that itself: of a type in a
// type that is in an interface the linker keeps all methods, which is 1 MB here.
type Client struct {
	newRequest func(method, path string) *api.Request
	namespace  string
	limiter    *rate.Limiter // VAULT_RATE_LIMIT; nil: there is none
	http       *http.Client
	timeout    time.Duration // of a request
	resends    int           // how often a request is sent again
	assumed    bool          // nobody has said where Vault is
	follow     bool          // redirects, one a request
}

// New returns a Client. It reads the files that o names, and contacts nobody.
func New(o Options) (*Client, error) {
	if err := transport.CheckFiles(append(o.TLS.Files(), tlsFromEnv(transport.TLS{}).Files()...)...); err != nil {
		return nil, fmt.Errorf("configuring TLS failed: %w", err)
	}
	config := api.DefaultConfig() // reads the files that the environment names
	if config.Error != nil {
		return nil, fmt.Errorf("error encountered setting up default configuration: %w", config.Error)
	}
	assumed := o.Address == "" && config.Address == api.DefaultAddress && config.AgentAddress == ""
	if o.Address != "" {
		config.Address, config.AgentAddress = o.Address, ""
	}
	connections := o.Transport.New()
	config.HttpClient = &http.Client{
		Transport: connections,
		// Redirects are handed back as they are: package http would make a GET of
		// a PUT.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if err := setTLS(config, connections, o.TLS); err != nil {
		return nil, err
	}
	library, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	if socket, ok := strings.CutPrefix(cmp.Or(config.AgentAddress, config.Address), "unix://"); ok {
		connections.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return o.Transport.Dialer().DialContext(ctx, "unix", socket)
		}
	}
	if o.Namespace != "" {
		library.SetNamespace(o.Namespace)
	}
	if o.UserAgent != "" {
		library.AddHeader("User-Agent", o.UserAgent)
	}
	config.HttpClient.Transport = transport.Traced(connections, o.Log) // the library looks into it until now
	c := &Client{
		newRequest: library.NewRequest,
		namespace:  library.Namespace(),
		limiter:    library.Limiter(),
		http:       config.HttpClient,
		timeout:    cmp.Or(o.Timeout, config.Timeout),
		assumed:    assumed,
		follow:     !config.DisableRedirects,
	}
	if o.Resend {
		c.resends = config.MaxRetries
	}
	return c, nil
}

// Namespace returns the namespace that requests are for.
func (c *Client) Namespace() string { return c.namespace }

// Close lets go of connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Call implements Caller.
func (c *Client) Call(ctx context.Context, r Request) (*watch.Secret, error) {
	secret, err := c.try(ctx, r)
	for n := 0; n < c.resends && ctx.Err() == nil && resent(err) && (!r.Once || Harmless(err)); n++ {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second + rand.N(time.Second/2)):
			secret, err = c.try(ctx, r)
		}
	}
	if err == nil || Status(err) != 0 {
		return secret, err
	}
	// What can be done about an error of the network, where that is known.
	text := err.Error()
	switch {
	case c.assumed && errors.Is(err, syscall.ECONNREFUSED):
		err = fmt.Errorf("%w (no address is configured: set vault { address = … } or VAULT_ADDR)", err)
	case strings.Contains(text, "unsupported protocol scheme"):
		err = fmt.Errorf("%w (the address must begin with http://, https:// or unix://)", err)
	}
	if text := Mask(err.Error(), r.secrets()); text != err.Error() {
		return nil, errors.New(text)
	}
	return nil, err
}

// resent reports whether Vault's library would send a request again that failed
// with err.
func resent(err error) bool {
	status := Status(err)
	return err != nil && (status == 0 || status == http.StatusPreconditionFailed || status == http.StatusTooManyRequests ||
		status >= 500 && status != http.StatusNotImplemented)
}

func (c *Client) try(ctx context.Context, r Request) (*watch.Secret, error) {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		late := fmt.Errorf("no answer within %s", c.timeout)
		ctx, cancel = context.WithTimeoutCause(ctx, c.timeout, late)
		defer cancel()
	}
	if c.limiter != nil {
		if err := c.limiter.Wait(ctx); err != nil {
			return nil, fmt.Errorf("waiting as VAULT_RATE_LIMIT says: %w", err)
		}
	}
	response, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return readAnswer(response, r.secrets())
}

// send makes a request and returns the answer. It follows one redirect, as the
// library does: a standby that does not pass requests on answers with one to the
// active server.
func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	request := c.newRequest(r.Method, "/v1/"+r.Path)
	request.ClientToken = string(r.Token)
	if r.Query != nil {
		request.Params = r.Query
	}
	if r.Body != nil {
		if err := request.SetJSONBody(r.Body); err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
	}
	response, err := c.do(ctx, request, r.Once)
	if err != nil || !c.follow {
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
	// Which host is the active one, the standby has to know; but the token is
	// not sent in the clear because of that.
	if here := response.Request.URL; here.Scheme == "https" && next.Scheme != "https" {
		return nil, fmt.Errorf("redirected from %s to %s://%s, which does not use TLS: set the address of the active server", here.Host, next.Scheme, next.Host)
	}
	// The redirect has the query in it; the request would add its own.
	request.Params = next.Query()
	request.URL, request.Host = next, next.Host
	return c.do(ctx, request, r.Once)
}

// do sends a request. Package http sends one without a body again where the
// connection ends before the answer comes; once keeps it from that.
func (c *Client) do(ctx context.Context, r *api.Request, once bool) (*http.Response, error) {
	request, err := r.ToHTTP()
	if err != nil {
		return nil, err
	}
	if r.BodyBytes != nil { // for a connection that turns out to be closed
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.BodyBytes)), nil }
	} else if once {
		// It cannot know that this is empty, and cannot have another.
		request.Body, request.GetBody = io.NopCloser(strings.NewReader("")), nil
	}
	response, err := c.http.Do(request.WithContext(ctx))
	if err != nil {
		return nil, &UnansweredError{transport.Explain(request.URL, transport.Cause(err))}
	}
	return response, nil
}

// setTLS sets up TLS for the transport. The address decides whether it is used.
func setTLS(config *api.Config, client *http.Transport, o transport.TLS) error {
	o = tlsFromEnv(o)
	if o.Cert != "" {
		o.Key = cmp.Or(o.Key, o.Cert)
	}
	client.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	err := config.ConfigureTLS(&api.TLSConfig{
		CACert:        o.CACert,
		CACertBytes:   []byte(o.CACertBytes),
		CAPath:        o.CAPath,
		ClientCert:    o.Cert,
		ClientKey:     o.Key,
		TLSServerName: o.ServerName,
		Insecure:      o.SkipVerify,
	})
	if err != nil {
		return fmt.Errorf("configuring TLS failed: %w", err)
	}
	if o.Cert != "" {
		return followCertificate(client.TLSClientConfig, o)
	}
	return nil
}

// followCertificate has each new connection present the client's certificate
// as it is on disk then, for what logs in with one replaces it now and then.
// While the files cannot be used, their last good content is.
func followCertificate(config *tls.Config, o transport.TLS) error {
	var last atomic.Pointer[tls.Certificate]
	load := func() error {
		cert, certErr := filewatch.ReadFile(o.Cert)
		key, keyErr := filewatch.ReadFile(o.Key)
		if err := cmp.Or(certErr, keyErr); err != nil {
			return err
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err == nil {
			last.Store(&pair)
		}
		return err
	}
	if err := load(); err != nil {
		return fmt.Errorf("configuring TLS failed: %w", err)
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		_ = load()
		return last.Load(), nil
	}
	return nil
}

// tlsFromEnv fills in what o leaves open. Whether certificates are verified is
// not among that: who says so explicitly must not be overruled.
func tlsFromEnv(o transport.TLS) transport.TLS {
	if o.Cert == "" && o.Key == "" {
		o.Cert, o.Key = os.Getenv(api.EnvVaultClientCert), os.Getenv(api.EnvVaultClientKey)
	}
	o.CACert = cmp.Or(o.CACert, os.Getenv(api.EnvVaultCACert))
	o.CACertBytes = cmp.Or(o.CACertBytes, os.Getenv(api.EnvVaultCACertBytes))
	o.CAPath = cmp.Or(o.CAPath, os.Getenv(api.EnvVaultCAPath))
	o.ServerName = cmp.Or(o.ServerName, os.Getenv(api.EnvVaultTLSServerName))
	return o
}
