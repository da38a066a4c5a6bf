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
	"restencil/watch/consul/plan"
	"restencil/watch/consul/requester"
	"restencil/watch/schedule"
)

// Options say which agent to ask, and how.
type Options = requester.Options

// DefaultOptions returns what consul-template uses where nothing is configured.
func DefaultOptions() Options { return requester.DefaultOptions() }

// A Source keeps queries to Consul current. It implements watch.Batcher.
//
// How it does so is planned: see package plan.
type Source struct {
	agent    *requester.Agent
	feedback *feedback

	mu            sync.Mutex
	subscriptions map[watch.ID]*subscription
	last          int // the number of the newest subscription
	plan          *plan.Plan
	rules         plan.Rules
	refusals      schedule.Timers[refusal] // when each is forgiven
	watches       *watches
	run           context.Context // that of Run while it runs, else nil
	running       sync.WaitGroup
}

var _ watch.Batcher = (*Source)(nil)

// New returns a source for the agent that o names. It reads the files that o
// names, and contacts nobody.
func New(o Options) (*Source, error) {
	o, err := o.Filled()
	if err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	c, err := client.New(o.Options)
	if err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	return newSource(o, c), nil
}

func newSource(o Options, c *client.Client) *Source {
	f := &feedback{wake: schedule.NewWakeup()}
	s := &Source{
		agent:         requester.NewAgent(c, o, f),
		feedback:      f,
		subscriptions: make(map[watch.ID]*subscription),
		rules: plan.Rules{
			Budget:   c.Capacity(o.Options, true),
			Excluded: make(map[plan.Extent]bool),
			Single:   make(map[watch.ID]bool),
		},
	}
	s.watches = newWatches(s)
	s.plan = s.rules.Make(nil)
	return s
}

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) {
	s.mu.Lock()
	s.run = ctx
	readers := s.rules.Readers()
	s.start(func(ctx context.Context) { s.watches.poller.run(ctx, readers) })
	s.replan()
	s.mu.Unlock()
	s.replanOnFeedback(ctx)
	s.mu.Lock()
	s.run = nil // nothing starts any more
	s.mu.Unlock()
	s.running.Wait()
	s.agent.Client.Transport.CloseIdleConnections()
}

// start runs do until it is cancelled, or Run ends. Run is under way, and the
// caller holds the lock.
func (s *Source) start(do func(context.Context)) context.CancelFunc {
	ctx, cancel := context.WithCancel(s.run)
	s.running.Go(func() {
		defer cancel()
		do(ctx)
	})
	return cancel
}

// Watch implements watch.Source.
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
	for _, w := range list {
		id, q := w.ID, w.ID.Value()
		if _, ok := s.agent.Client.ForKind(q.Kind); !ok {
			w.Sink.Fail(&watch.Error{Query: q, Class: watch.Invalid, Err: errors.New("not a question for Consul")})
			continue
		}
		s.last++
		sub := &subscription{id: id, number: s.last, sink: w.Sink}
		s.subscriptions[id] = sub
		added, ids = append(added, sub), append(ids, id)
	}
	if s.plan.Add(s.rules, ids...) {
		s.watches.arrange(added)
	} else {
		s.replan()
	}
}

// UnwatchAll implements watch.Batcher.
func (s *Source) UnwatchAll(ids []watch.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var removed []*subscription
	for _, id := range ids {
		if sub := s.subscriptions[id]; sub != nil {
			delete(s.subscriptions, id)
			delete(s.rules.Single, id)
			s.refusals.Remove(id)
			s.plan.Remove(id)
			removed = append(removed, sub)
		}
	}
	s.watches.arrange(removed)
	if s.plan.Due(s.rules) {
		s.replan()
	}
}

// replan plans anew for all subscriptions. The caller holds the lock.
func (s *Source) replan() {
	list := slices.SortedFunc(maps.Values(s.subscriptions), func(a, b *subscription) int { return cmp.Compare(a.number, b.number) })
	ids := make([]watch.ID, len(list))
	for i, sub := range list {
		ids[i] = sub.id
	}
	s.plan = s.rules.Make(ids)
	s.watches.arrange(list)
}
