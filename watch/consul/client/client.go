// Package client reaches a Consul agent over HTTP: address, TLS, credentials and
// redirects.
package client

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"restencil/watch/blocking"
	"restencil/watch/blocking/requester"
	"restencil/watch/transport"
)

// Capacity returns how many requests may be under way at a time, with or
// without HTTP/2.
func Capacity(c *blocking.Client, o requester.Options, http2 bool) int {
	const streams = 100 // of a connection; servers allow them at least (RFC 9113, 6.5.2)
	n := cmp.Or(o.MaxConnections, blocking.UsualConnections)
	if c.Base.Scheme == "https" && http2 {
		n *= streams
	}
	if most := o.Transport.MaxConnsPerHost; most > 0 {
		n = max(blocking.LeastConnections, min(n, most))
	}
	return n
}

// Allowed returns how many connections for services and nodes to have to an agent that
// accepts so many of a client; zero is any number. It leaves as much to others as
// [blocking.UsualConnections] do of the 200 that an agent accepts by default.
func Allowed(o requester.Options, limit int) int {
	const most = 1000
	n := most
	if limit > 0 {
		n = min(limit/25*16, most)
	}
	if perHost := o.Transport.MaxConnsPerHost; perHost > 0 {
		n = min(n, perHost)
	}
	return n
}

// New returns a client that makes all requests over one transport. It reads the
// files that o names, and sends nothing.
func New(o requester.Options) (*blocking.Client, error) {
	// A slash at the end would make paths that Consul does not have, which for a key
	// looks as if it did not exist.
	address := strings.TrimRight(cmp.Or(o.Address, o.Getenv("CONSUL_HTTP_ADDR"), "localhost:8500"), "/")
	scheme, host, found := strings.Cut(address, "://")
	if !found {
		scheme, host = "http", address
	}
	if scheme != "unix" && strings.Contains(address, "@") {
		// It would end up in error messages.
		return nil, errors.New("the address must not hold a user name or password")
	}
	connections := o.Transport.New()
	path := ""
	switch scheme {
	case "http", "https":
		if i := strings.IndexByte(host, '/'); i >= 0 {
			host, path = host[:i], host[i:]
		}
	case "unix":
		o.Transport.DialUnix(connections, host)
		scheme, host = "http", "localhost"
	default:
		return nil, fmt.Errorf("%s: %s", "Unknown protocol scheme", scheme) // consul-template's words (COMPAT 2.5.2)
	}
	if ssl, _ := strconv.ParseBool(o.Getenv("CONSUL_HTTP_SSL")); ssl || o.TLS.Enabled {
		scheme = "https"
	}
	connections.ForceAttemptHTTP2 = scheme == "https" // preparing it takes memory
	base := url.URL{Scheme: scheme, Host: host, Path: path}
	name := base.Hostname()
	// On this machine, it would take longer than it saves.
	connections.DisableCompression = name == "localhost" || net.ParseIP(name).IsLoopback()
	if scheme != "https" && connections.MaxConnsPerHost == 0 {
		connections.MaxConnsPerHost = cmp.Or(o.MaxConnections, blocking.UsualConnections)
	}
	var err error
	if connections.TLSClientConfig, err = tlsOf(o).Config(); err != nil {
		return nil, err
	}
	token, err := findToken(o)
	if err != nil {
		return nil, err
	}
	user, password, _ := strings.Cut(o.Getenv("CONSUL_HTTP_AUTH"), ":")
	if o.Username != "" || o.Password != "" {
		user, password = o.Username, o.Password
	}
	c := blocking.New(base, connections, o.Log)
	c.Datacenter, c.Namespace = "dc", "ns"
	c.Params = map[string]string{"ns": cmp.Or(o.Namespace, o.Getenv("CONSUL_NAMESPACE")), "partition": o.Getenv("CONSUL_PARTITION")}
	c.Authorize("X-Consul-Token", token, user, password)
	return c, nil
}

// tlsOf returns how to use TLS: by the environment unless it is enabled.
func tlsOf(o requester.Options) transport.TLS {
	use := o.TLS
	if !use.Enabled {
		verify, err := strconv.ParseBool(cmp.Or(o.Getenv("CONSUL_HTTP_SSL_VERIFY"), "true"))
		use = transport.TLS{
			CACert: o.Getenv("CONSUL_CACERT"), CAPath: o.Getenv("CONSUL_CAPATH"),
			Cert: o.Getenv("CONSUL_CLIENT_CERT"), Key: o.Getenv("CONSUL_CLIENT_KEY"),
			ServerName: o.Getenv("CONSUL_TLS_SERVER_NAME"), SkipVerify: err == nil && !verify,
		}
	} else if use.Cert == "" {
		use.Key = "" // as in consul-template
	}
	if name, _, err := net.SplitHostPort(use.ServerName); err == nil {
		use.ServerName = name
	}
	return use
}

// findToken returns the token, which it may read from a file.
func findToken(o requester.Options) (string, error) {
	token, file := cmp.Or(o.Token, o.Getenv("CONSUL_HTTP_TOKEN")), o.Getenv("CONSUL_HTTP_TOKEN_FILE")
	switch {
	case o.TokenFile != "" && o.TokenFile != file:
		file = o.TokenFile
	case token != o.Getenv("CONSUL_HTTP_TOKEN"):
		file = ""
	}
	if file == "" {
		return token, nil
	}
	if err := transport.CheckFiles(file); err != nil {
		return "", fmt.Errorf("reading the token failed: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the token file: %w", err)
	}
	return cmp.Or(strings.TrimSpace(string(data)), token), nil
}
