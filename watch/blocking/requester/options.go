package requester

import (
	"cmp"
	"fmt"
	"time"

	"restencil/watch/blocking"
	"restencil/watch/schedule"
	"restencil/watch/transport"
)

// Options configure how an agent is asked. Start from DefaultOptions: zero means what
// each field says. The CONSUL_* variables set what is left open (COMPAT 1.8).
type Options struct {
	transport.Server // Log gets queries at debug, too

	// Token is sent with every request.
	Token string

	// TokenFile is read once, by New, and wins over Token, unless it is just
	// what CONSUL_HTTP_TOKEN_FILE says (COMPAT 2.5.2).
	TokenFile string

	Username, Password string // for HTTP basic authentication

	// MaxConnections limits the connections to an agent that takes one request
	// a connection (HTTP/1.1), 4 at least. More queries share requests: see
	// package plan. By default, an agent accepts 200 from one client
	// (limits.http_max_conns_per_client). Zero is 128, and for services and nodes
	// more if the agent says that it accepts more. Transport.MaxConnsPerHost zero is
	// MaxConnections, and over TLS no limit.
	MaxConnections int

	// MaxStale allows any server to answer that has heard from the leader within
	// this time; otherwise the leader is asked. Zero: only the leader answers.
	// Default 2 s.
	MaxStale time.Duration

	// BlockQueryWait is how long the agent may hold a blocking query without news;
	// requests ask for a little less, at random, so that they do not end together.
	// Zero: the agent's default, 5 min. Default 60 s.
	BlockQueryWait time.Duration

	// FirstPause is the pause between a query's first answer and the request that
	// waits for news. A program that ends within it (-once) leaves no request behind,
	// which the agent would hold, and count against its limit of connections, for as
	// long as the request may wait. Zero, the default: no pause.
	FirstPause time.Duration

	// MaxReply limits the size of a reply, in bytes. Zero: 512 MiB.
	MaxReply int64

	// Notice gets warnings that do not concern one query alone, such as a proxy that
	// cuts requests, or rights that the token lacks. It may be called from any
	// goroutine, and must return at once. Nil: no warnings.
	Notice func(error)

	// Retry spaces the attempts of a query that fails (COMPAT 4.10.4). If all
	// queries to an agent or datacenter fail, one of them tries every 2 s, or
	// every Retry.Base if that is longer. Zero: 250 ms to 1 min.
	Retry schedule.Backoff
}

// DefaultOptions returns the defaults, which are those of consul-template.
func DefaultOptions() Options {
	return Options{
		Server:         transport.Server{Transport: transport.Defaults()},
		MaxStale:       2 * time.Second,
		BlockQueryWait: 60 * time.Second,
		MaxReply:       512 << 20,
		Retry:          schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Minute},
	}
}

// Filled checks o, and returns it with defaults in place of zeros that mean the
// default.
func (o Options) Filled() (Options, error) {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"max stale", o.MaxStale},
		{"block query wait", o.BlockQueryWait},
		{"pause after the first answer", o.FirstPause},
		{"retry backoff", o.Retry.Base},
		{"retry maximum backoff", o.Retry.Max},
	} {
		if d.value < 0 {
			return o, fmt.Errorf("%s %v: must not be negative", d.name, d.value)
		}
	}
	if o.MaxReply < 0 {
		return o, fmt.Errorf("max reply size %d: must not be negative", o.MaxReply)
	}
	if o.MaxConnections != 0 && o.MaxConnections < blocking.LeastConnections {
		return o, fmt.Errorf("max connections %d: must be at least %d", o.MaxConnections, blocking.LeastConnections)
	}
	d := DefaultOptions()
	o.MaxReply = cmp.Or(o.MaxReply, d.MaxReply)
	o.Retry = cmp.Or(o.Retry, d.Retry)
	if o.Notice == nil {
		o.Notice = func(error) {}
	}
	return o, nil
}
