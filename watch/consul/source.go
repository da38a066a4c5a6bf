package consul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"restencil/watch"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
	"restencil/watch/consul/plan"
	"restencil/watch/schedule"
)

// A Source keeps queries to Consul current. It implements watch.Batcher.
//
// How it does so is planned: see package plan.
type Source struct {
	options  Options
	client   *client.Client
	agent    *breaker // the agent itself
	feedback *feedback

	mu            sync.Mutex
	subscriptions map[watch.ID]*subscription
	last          int // the number of the newest subscription
	plan          *plan.Plan
	rules         plan.Rules
	refusals      schedule.Timers[refusal] // when each is forgiven
	watches       *watches
	servers       map[string]*breaker // the servers, by datacenter, once they have failed
	run           context.Context     // that of Run while it runs, else nil
	running       sync.WaitGroup
}

var _ watch.Batcher = (*Source)(nil)

// New returns a source for the agent that o names. It reads the files that o
// names, and contacts nobody.
func New(o Options) (*Source, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	o = o.filled()
	c, err := client.New(o.Options)
	if err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	return newSource(o, c), nil
}

func newSource(o Options, c *client.Client) *Source {
	s := &Source{
		options:       o,
		client:        c,
		agent:         newBreaker(o.Retry),
		feedback:      newFeedback(o.Notice),
		subscriptions: make(map[watch.ID]*subscription),
		rules: plan.Rules{
			Budget:   c.Capacity(o.Options, true),
			Excluded: make(map[plan.Extent]bool),
			Single:   make(map[watch.ID]bool),
		},
		servers: make(map[string]*breaker),
	}
	s.watches = newWatches(s)
	s.plan = s.rules.Make(nil)
	return s
}

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) {
	s.mu.Lock()
	s.run = ctx
	s.watches.begin()
	s.mu.Unlock()
	s.replanOnFeedback(ctx)
	s.mu.Lock()
	s.run = nil // nothing starts any more
	s.mu.Unlock()
	s.running.Wait()
	s.client.Transport.CloseIdleConnections()
}

// start runs do, if Run is under way, until it is cancelled. The caller holds
// the lock.
func (s *Source) start(do func(context.Context)) context.CancelFunc {
	ctx, cancel := context.WithCancel(s.run)
	s.running.Go(func() {
		defer cancel()
		do(ctx)
	})
	return cancel
}

// Watch implements watch.Source. A query that is watched already changes its
// sink.
func (s *Source) Watch(q watch.Query, sink watch.Sink) {
	s.WatchAll([]watch.Subscription{{ID: q.ID(), Sink: sink}})
}

// Unwatch implements watch.Source.
func (s *Source) Unwatch(q watch.Query) { s.UnwatchAll([]watch.ID{q.ID()}) }

// WatchAll implements watch.Batcher.
func (s *Source) WatchAll(list []watch.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := make([]*subscription, 0, len(list))
	ids := make([]watch.ID, 0, len(list))
	for _, sub := range list {
		id, q := sub.ID, sub.ID.Value()
		s.remove(id)
		if _, ok := fetch.ForKind(q.Kind); !ok {
			sub.Sink.Fail(&watch.Error{Query: q, Class: watch.Invalid, Err: errors.New("not a question for Consul")})
			continue
		}
		s.last++
		j := &subscription{id: id, number: s.last, sink: sub.Sink}
		s.subscriptions[id] = j
		added, ids = append(added, j), append(ids, id)
	}
	if s.plan.Add(s.rules, ids...) {
		s.watches.arrange(s.plan, added)
	} else {
		s.replan()
	}
}

// UnwatchAll implements watch.Batcher.
func (s *Source) UnwatchAll(queries []watch.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range queries {
		s.remove(q)
	}
	if s.plan.Due(s.rules) {
		s.replan()
	}
}

func (s *Source) remove(q watch.ID) {
	if j := s.subscriptions[q]; j != nil {
		delete(s.subscriptions, q)
		delete(s.rules.Single, q)
		s.refusals.Remove(refusal{query: q})
		s.plan.Remove(q)
		s.watches.remove(j)
	}
}

// replan plans anew for all subscriptions. The caller holds the lock.
func (s *Source) replan() {
	jobs := slices.SortedFunc(maps.Values(s.subscriptions), func(a, b *subscription) int { return cmp.Compare(a.number, b.number) })
	ids := make([]watch.ID, len(jobs))
	for i, j := range jobs {
		ids[i] = j.id
	}
	s.plan = s.rules.Make(ids)
	s.watches.arrange(s.plan, jobs)
}

// serversOf returns the circuit breaker of a datacenter's servers; "" is the agent's own.
func (s *Source) serversOf(datacenter string) *breaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.servers[datacenter]
	if g == nil {
		g = newBreaker(s.options.Retry)
		s.servers[datacenter] = g
	}
	return g
}
