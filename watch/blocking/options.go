package blocking

import (
	"log/slog"

	"restencil/watch/transport"
)

// Options say which agent to ask, and how to reach it. What they leave open,
// Consul's own library takes from the CONSUL_* variables (COMPAT 1.8).
type Options struct {
	NoEnvironment bool // leaves the CONSUL_* variables out

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

	// Transport configures connections. MaxConnsPerHost zero is MaxConnections,
	// and over TLS no limit.
	Transport transport.Options

	// MaxConnections limits the connections to an agent that takes one request
	// a connection (HTTP/1.1), 4 at least. More queries share requests: see
	// package plan. By default, an agent accepts 200 from one client
	// (limits.http_max_conns_per_client). Zero is 128, and for services and nodes
	// more if the agent says that it accepts more.
	MaxConnections int

	// Log gets queries at debug, and requests at trace; nil: no log.
	Log *slog.Logger
}

// Defaults returns the options where nothing is configured.
func Defaults() Options { return Options{Transport: transport.Defaults()} }

// UsualConnections is what MaxConnections zero stands for.
const UsualConnections = 128

// LeastConnections is the least MaxConnections.
const LeastConnections = 4
