package requester

import (
	"cmp"
	"fmt"
	"time"

	"restencil/watch/consul/client"
	"restencil/watch/schedule"
)

// Options say which agent to ask, and how. They are plain values: start from
// DefaultOptions, for zero means what each field says. What they leave open,
// Consul's own library takes from the CONSUL_* variables (COMPAT 1.8).
type Options struct {
	client.Options

	// MaxStale allows any server to answer, not only the leader, as long as
	// it has heard from the leader within this time; otherwise the leader is
	// asked. Zero: only the leader answers. Default 2 s.
	MaxStale time.Duration

	// BlockQueryWait is how long the agent may hold a blocking query that has
	// no news; a little less is asked for, at random, so that many queries
	// do not come back at once. Zero leaves it to the agent, which takes
	// 5 min. Default 60 s.
	BlockQueryWait time.Duration

	// Unhurried is the pause between a query's first answer and the request
	// that waits for news of it; but not where that answer is no key, or an
	// empty list of keys, which templates wait to change. A program that ends
	// within it (-once) leaves no request behind: the agent would hold it, and
	// count it against its limit of connections, until the request's own wait
	// is over. Zero, the default: no pause.
	Unhurried time.Duration

	// PollInterval is the pause between two requests where the agent cannot
	// block (datacenters, partitions). Zero means the default, 15 s.
	PollInterval time.Duration

	// MaxReply is how large a reply may be, in bytes; a larger one is a failure.
	// Zero means the default, 512 MiB.
	MaxReply int64

	// Notice is told what does not concern one query alone, such as a proxy that
	// cuts requests, or what keeps answers from being complete. It may be called
	// from any goroutine, and returns at once. Nil: nobody is told.
	Notice func(error)

	// Retry spaces the attempts of a query that fails (COMPAT 4.10.4). An
	// agent or datacenter that is away altogether is tried at least every
	// 2 s, or every Retry.Base where that is longer, by one query for all.
	// The zero value means the default, 250 ms to 1 min.
	Retry schedule.Backoff
}

// DefaultOptions returns what consul-template uses where nothing is configured.
func DefaultOptions() Options {
	return Options{
		Options:        client.Defaults(),
		MaxStale:       2 * time.Second,
		BlockQueryWait: 60 * time.Second,
		PollInterval:   15 * time.Second,
		MaxReply:       512 << 20,
		Retry:          schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Minute},
	}
}

// Filled returns o with the defaults of those fields that have no use for zero, or
// why o cannot be used.
func (o Options) Filled() (Options, error) {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"max stale", o.MaxStale},
		{"block query wait", o.BlockQueryWait},
		{"pause after the first answer", o.Unhurried},
		{"poll interval", o.PollInterval},
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
	if o.MaxConnections != 0 && o.MaxConnections < client.LeastConnections {
		return o, fmt.Errorf("max connections %d: must be at least %d", o.MaxConnections, client.LeastConnections)
	}
	d := DefaultOptions()
	o.PollInterval = cmp.Or(o.PollInterval, d.PollInterval)
	o.MaxConnections = cmp.Or(o.MaxConnections, d.MaxConnections)
	o.MaxReply = cmp.Or(o.MaxReply, d.MaxReply)
	o.Retry = cmp.Or(o.Retry, d.Retry)
	if o.Notice == nil {
		o.Notice = func(error) {}
	}
	return o, nil
}
