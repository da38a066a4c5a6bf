package client

import (
	"log/slog"

	"restencil/watch/transport"
)

// Options say which agent to ask, and how to reach it. What they leave open,
// Consul's own library takes from the CONSUL_* variables (COMPAT 1.8).
type Options struct {
	// Address of the agent: host:port, http://…, https://… (TLS), each with
	// an optional path to put before that of every request, or unix:///path.
	// "" is CONSUL_HTTP_ADDR, and without that localhost:8500.
	Address string

	// Namespace that queries without one are for; "" is CONSUL_NAMESPACE,
	// and without that the token's own.
	Namespace string

	// Token is sent with every request; "" is CONSUL_HTTP_TOKEN.
	Token string

	// TokenFile is read once, by New, and wins over Token, unless it is just
	// what CONSUL_HTTP_TOKEN_FILE says (COMPAT 2.5.2).
	TokenFile string

	// Username and Password are for HTTP basic authentication; both "" is
	// CONSUL_HTTP_AUTH, and without that none.
	Username, Password string

	TLS transport.TLS
	// Transport says how to treat connections. MaxConnsPerHost zero is
	// MaxConnections, and over TLS no limit.
	Transport transport.Options

	// MaxConnections is how many connections there may be to an agent that
	// takes one request a connection (HTTP/1.1), 4 at least. More queries than
	// that share requests: see package plan. An agent refuses more than 200
	// of one client's, unless told otherwise (limits.http_max_conns_per_client).
	// Zero is package consul's default, 128.
	MaxConnections int

	// Log is told what becomes of queries, at debug, and of requests, at trace. Nil:
	// nobody is told.
	Log *slog.Logger
}

// Defaults returns the options where nothing is configured.
func Defaults() Options { return Options{Transport: transport.Defaults(), MaxConnections: 128} }

// LeastConnections is with how few connections one can do.
const LeastConnections = 4
