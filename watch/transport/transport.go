// Package transport makes the HTTP transport of a source (COMPAT 2.5.12).
package transport

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

// A Server says where a server, or an agent, is, and how to reach it. The environment
// variables of the server's own library set zero fields (COMPAT 1.8).
type Server struct {
	NoEnvironment bool // leaves these variables out

	// Address is http://…, https://… or unix:///path; an agent's may lack the scheme,
	// and a path in Consul's stands before that of every request.
	Address string

	Namespace string // of requests that name none
	TLS       TLS    // used if the address says so, or if it is enabled
	Transport Options

	Log *slog.Logger // gets requests at LevelTrace; nil: no log
}

// Getenv returns the value of a variable of the environment, unless that is left out.
func (s Server) Getenv(name string) string {
	if s.NoEnvironment {
		return ""
	}
	return os.Getenv(name)
}

// Options configure connections. Start from Defaults.
type Options struct {
	DialTimeout         time.Duration // zero: the system's. Default 30 s
	DialKeepAlive       time.Duration // between probes of an idle connection; zero: 15 s, negative: none. Default 30 s
	TLSHandshakeTimeout time.Duration // zero: none. Default 10 s
	IdleConnTimeout     time.Duration // until an idle connection is closed; zero: never. Default 5 s
	DisableKeepAlives   bool          // use a connection for each request
	MaxIdleConns        int           // zero: no limit
	MaxIdleConnsPerHost int           // zero: 2. Default 100
	MaxConnsPerHost     int           // zero: no limit, unless the source has one of its own
}

// Defaults returns consul-template's defaults.
func Defaults() Options {
	return Options{
		DialTimeout:         30 * time.Second,
		DialKeepAlive:       30 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     5 * time.Second,
		MaxIdleConnsPerHost: 100,
	}
}

// Silence is how long an HTTP/2 connection may receive nothing before a ping is
// sent.
const Silence = 30 * time.Second

// New returns a transport, which the caller may change. It uses the environment's
// proxies, and HTTP/2 over TLS, with pings to detect a peer that has vanished.
func (o Options) New() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         o.dialer().DialContext,
		TLSHandshakeTimeout: o.TLSHandshakeTimeout,
		IdleConnTimeout:     o.IdleConnTimeout,
		DisableKeepAlives:   o.DisableKeepAlives,
		MaxIdleConns:        o.MaxIdleConns,
		MaxIdleConnsPerHost: o.MaxIdleConnsPerHost,
		MaxConnsPerHost:     o.MaxConnsPerHost,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: Silence, PingTimeout: Silence / 2},
	}
}

func (o Options) dialer() *net.Dialer {
	return &net.Dialer{Timeout: o.DialTimeout, KeepAlive: o.DialKeepAlive}
}

// DialUnix has all connections of t go to a Unix socket.
func (o Options) DialUnix(t *http.Transport, socket string) {
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return o.dialer().DialContext(ctx, "unix", socket)
	}
}
