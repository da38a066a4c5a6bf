package nomad

import (
	"cmp"
	"fmt"

	"restencil/watch"
	"restencil/watch/blocking/requester"
	"restencil/watch/consul"
)

// Options configure how an agent is asked. Start from DefaultOptions: zero means what
// each field says. TokenFile is not used.
type Options struct {
	// Options are those of Consul's agent, with Nomad's addresses: http://…,
	// https://… or unix:///path, "" for http://127.0.0.1:4646. MaxConnections zero
	// is 80: by default, an agent accepts 100 from one client
	// (limits.http_max_conns_per_client).
	requester.Options

	Region string // that queries without one are for; "" is the agent's own
}

// DefaultOptions returns the defaults, which are those of consul-template.
func DefaultOptions() Options {
	o := Options{Options: requester.DefaultOptions()}
	o.MaxConnections = 80
	return o
}

// New returns a source for the agent that o names. It reads the files that o names, and
// sends nothing.
func New(o Options) (*consul.Source, error) {
	var err error
	o.MaxConnections = cmp.Or(o.MaxConnections, DefaultOptions().MaxConnections)
	o.Transport.MaxConnsPerHost = cmp.Or(o.Transport.MaxConnsPerHost, o.MaxConnections) // also over TLS: Nomad has no HTTP/2
	if o.Options, err = o.Filled(); err != nil {
		return nil, fmt.Errorf("nomad: %w", err)
	}
	a, err := newClient(o)
	if err != nil {
		return nil, fmt.Errorf("nomad: %w", err)
	}
	return consul.NewFor(watch.Nomad, o.Options, a.Client, a.forKind), nil
}
