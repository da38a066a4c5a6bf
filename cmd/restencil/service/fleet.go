package service

import (
	"context"
	"os"
	"slices"

	"restencil/cmd/restencil/config"
	"restencil/runner/bundle/group"
	"restencil/runner/bundle/turn"
	"restencil/watch"
	"restencil/watch/consul"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
	"restencil/watch/consul/semaphore"
)

// fleets returns what has bundles take turns with those of other hosts, through the
// Consul of the configuration. Nil: bundles do not wait for other hosts.
func fleets(cfg *config.Config) (func(group.Rolling) turn.Fleet, error) {
	rolling := func(b *config.Bundle) bool { return b.Rolling.Limit > 0 }
	if !slices.ContainsFunc(cfg.Bundles, rolling) || cfg.Dry || cfg.Consul.Local != "" {
		return nil, nil
	}
	options, _ := cfg.Reaches()[watch.Consul].Options.(consul.Options)
	agent, err := client.New(options)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "a host without a name"
	}
	return func(r group.Rolling) turn.Fleet {
		return fleet{&semaphore.Semaphore{Client: fetch.Requests{Client: agent}, Prefix: r.Key, Limit: r.Limit, Holder: host}}
	}, nil
}

// A fleet is the hosts that share a semaphore.
type fleet struct{ *semaphore.Semaphore }

// Acquire implements turn.Fleet.
func (f fleet) Acquire(ctx context.Context, stopped func(why string)) (turn.Place, error) {
	return f.Semaphore.Acquire(ctx, stopped)
}
