// Package client reaches a Consul agent over HTTP: address, TLS, credentials and
// redirects. It ends requests that make no progress, bounds the size of replies, and
// records the result of each [Attempt].
package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/consul/api"

	"restencil/watch/consul/fetch"
	"restencil/watch/transport"
)

// A Client puts requests to one agent.
type Client struct {
	fetch.Requests
	API       *api.Client
	Transport *http.Transport
	Counter   *transport.Counter // of the requests
	Token     string             // which is sent; it must not be shown
	secure    bool               // the agent is reached over TLS
}

// Capacity returns how many requests may be under way at a time, with or
// without HTTP/2.
func (c *Client) Capacity(o Options, http2 bool) int {
	const streams = 100 // of a connection; servers allow them at least (RFC 9113, 6.5.2)
	n := o.MaxConnections
	if c.secure && http2 {
		n *= streams
	}
	if most := o.Transport.MaxConnsPerHost; most > 0 {
		n = max(LeastConnections, min(n, most))
	}
	return n
}

// New returns a client that makes all requests over one transport. It reads the
// files that o names, and sends nothing.
func New(o Options) (*Client, error) {
	config := api.DefaultConfig()
	if o.NoEnvironment {
		config = &api.Config{Scheme: "http", Transport: config.Transport}
	}
	config.Address = cmp.Or(o.Address, config.Address)
	config.Namespace = cmp.Or(o.Namespace, config.Namespace)
	config.Token = cmp.Or(o.Token, config.Token)
	config.TokenFile = cmp.Or(o.TokenFile, config.TokenFile)
	if o.Username != "" || o.Password != "" {
		config.HttpAuth = &api.HttpBasicAuth{Username: o.Username, Password: o.Password}
	}
	// A slash at the end would make the library ask for paths that Consul
	// does not have, which for a key looks as if it did not exist.
	config.Address = strings.TrimRight(config.Address, "/")
	socket, isSocket := strings.CutPrefix(config.Address, "unix://")
	if !isSocket && strings.Contains(config.Address, "@") {
		// It would end up in error messages.
		return nil, errors.New("the address must not hold a user name or password")
	}
	env := config.TLSConfig
	files := append(o.TLS.Files(), env.CAFile, env.CAPath, env.CertFile, env.KeyFile, config.TokenFile)
	if err := transport.CheckFiles(files...); err != nil {
		return nil, fmt.Errorf("reading a certificate or token failed: %w", err)
	}
	connections := o.Transport.New()
	connections.DisableCompression = isLocal(config.Address) // it would take longer than it saves
	secure := o.TLS.Enabled || config.Scheme == "https" || strings.HasPrefix(config.Address, "https://")
	if !secure && connections.MaxConnsPerHost == 0 {
		connections.MaxConnsPerHost = o.MaxConnections
	}
	if isSocket {
		// Left to the library, a socket would get a transport of its own.
		config.Address = socket
		dialer := o.Transport.Dialer()
		connections.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	var err error
	if o.TLS.Enabled {
		own := api.TLSConfig{
			Address:            o.TLS.ServerName,
			CAFile:             o.TLS.CACert,
			CAPath:             o.TLS.CAPath,
			CertFile:           o.TLS.Cert,
			InsecureSkipVerify: o.TLS.SkipVerify,
		}
		if o.TLS.Cert != "" {
			own.KeyFile = cmp.Or(o.TLS.Key, o.TLS.Cert)
		}
		config.Scheme = "https"
		if connections.TLSClientConfig, err = api.SetupTLSConfig(&own); err != nil {
			return nil, o.TLS.Failed(err)
		}
	}
	if config.HttpClient, err = api.NewHttpClient(connections, config.TLSConfig); err != nil {
		return nil, fmt.Errorf("setting up TLS from the environment: %w", err)
	}
	counter := transport.Count(connections)
	config.HttpClient.Transport = fetch.Transport{Base: ProgressTransport{Base: transport.Traced(counter, o.Log)}}
	config.HttpClient.CheckRedirect = checkRedirect
	if o.NoEnvironment && config.Token == "" && config.TokenFile == "" {
		config.HttpClient.Transport = anonymous{config.HttpClient.Transport}
	}
	c, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	return &Client{Requests: fetch.New(c), API: c, Transport: connections, Counter: counter, Token: config.Token, secure: secure}, nil
}

// An anonymous transport sends no token. The library sends that of the environment where
// it is given none.
type anonymous struct{ http.RoundTripper }

func (a anonymous) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("X-Consul-Token")
	return a.RoundTripper.RoundTrip(r)
}

// checkRedirect withholds the token and the password from other hosts and from
// another scheme: a redirect from https to http would show them.
func checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if first := via[0].URL; next.URL.Hostname() != first.Hostname() || next.URL.Scheme != first.Scheme {
		next.Header.Del("X-Consul-Token")
		next.Header.Del("Authorization")
	}
	return nil
}

// Clean returns the cause of err as one line of bounded length without the URL and
// the token.
func (c *Client) Clean(err error) error {
	const longest = 500 // bytes; the rest is some proxy's web page
	err = transport.Cause(err)
	text := err.Error()
	if c.Token != "" {
		text = strings.ReplaceAll(text, c.Token, "***")
	}
	if strings.ContainsAny(text, "\r\n") {
		text = strings.Join(strings.Fields(text), " ")
	}
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// isLocal reports whether an agent's address is on this machine.
func isLocal(address string) bool {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	return u.Scheme == "unix" || u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
}
