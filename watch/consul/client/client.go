package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/hashicorp/consul/api"

	"restencil/watch/consul/fetch"
	"restencil/watch/transport"
)

// A Client is Consul's own client with what it hides.
type Client struct {
	fetch.Requests
	Transport *http.Transport
	Token     string // what is sent; it must not be shown
	secure    bool   // the agent is reached over TLS
}

// streams is how many requests an HTTP/2 connection is good for: what RFC 9113,
// section 6.5.2, has servers allow at least.
const streams = 100

// Capacity returns how many requests may be under way at a time, with or
// without HTTP/2.
func (c *Client) Capacity(o Options, http2 bool) int {
	n := o.MaxConnections
	if c.secure && http2 {
		n *= streams
	}
	if most := o.Transport.MaxConnsPerHost; most > 0 {
		n = max(LeastConnections, min(n, most))
	}
	return n
}

// New makes the one client of a source. All its requests share one
// transport. It reads the files that o names, and contacts nobody.
func New(o Options) (*Client, error) {
	config, err := clientConfig(o)
	if err != nil {
		return nil, err
	}
	env := config.TLSConfig
	files := append(o.TLS.Files(), env.CAFile, env.CAPath, env.CertFile, env.KeyFile, config.TokenFile)
	if err := transport.CheckFiles(files...); err != nil {
		return nil, fmt.Errorf("reading a certificate or token failed: %w", err)
	}
	connections := o.Transport.New()
	connections.DisableCompression = isLocal(config.Address) // it would take longer than what it spares
	secure := o.TLS.Enabled || config.Scheme == "https" || strings.HasPrefix(config.Address, "https://")
	if !secure && connections.MaxConnsPerHost == 0 {
		connections.MaxConnsPerHost = o.MaxConnections
	}
	if path, ok := strings.CutPrefix(config.Address, "unix://"); ok {
		// Left to the library, a socket would get a transport of its own.
		config.Address = path
		dialer := o.Transport.Dialer()
		connections.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		}
	}
	if err := setTLS(config, connections, o.TLS); err != nil {
		return nil, err
	}
	if config.HttpClient, err = api.NewHttpClient(connections, config.TLSConfig); err != nil {
		return nil, fmt.Errorf("setting up TLS from the environment: %w", err)
	}
	config.HttpClient.Transport = fetch.Transport{Base: ProgressTransport{Base: transport.Traced(connections, o.Log)}}
	config.HttpClient.CheckRedirect = checkRedirect
	c, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	return &Client{Requests: fetch.New(c), Transport: connections, Token: config.Token, secure: secure}, nil
}

// clientConfig lays o over what the environment says.
func clientConfig(o Options) (*api.Config, error) {
	config := api.DefaultConfig()
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
	if !strings.HasPrefix(config.Address, "unix://") && strings.Contains(config.Address, "@") {
		// It would end up in error messages.
		return nil, errors.New("the address must not hold a user name or password")
	}
	return config, nil
}

// setTLS applies o where it is enabled.
func setTLS(config *api.Config, client *http.Transport, o transport.TLS) error {
	if !o.Enabled {
		return nil
	}
	own := api.TLSConfig{
		Address:            o.ServerName,
		CAFile:             o.CACert,
		CAPath:             o.CAPath,
		CertFile:           o.Cert,
		InsecureSkipVerify: o.SkipVerify,
	}
	if o.Cert != "" {
		own.KeyFile = cmp.Or(o.Key, o.Cert)
	}
	t, err := api.SetupTLSConfig(&own)
	if err != nil {
		return fmt.Errorf("configuring TLS failed: %w", err)
	}
	config.Scheme = "https"
	client.TLSClientConfig = t
	return nil
}

// checkRedirect keeps the token and the password from hosts that they were not
// meant for, and from connections of another kind: a redirect from https to http
// would show them to everybody in between.
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

// longest is how much of an error is told, in bytes; what follows is some
// proxy's web page.
const longest = 500

// Clean returns err as one line of bounded length in which the token does not
// stand, whatever the other end wrote, nor the URL. It is the cause of err itself
// where that will do.
func (c *Client) Clean(err error) error {
	err = transport.Cause(err)
	text := err.Error()
	if token := c.Token; token != "" {
		text = strings.ReplaceAll(text, token, "***")
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

// isLocal tells whether an agent's address says that it is on this machine.
func isLocal(address string) bool {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		scheme, rest = "", address
	}
	if scheme == "unix" {
		return true
	}
	host, _, _ := strings.Cut(rest, "/")
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
