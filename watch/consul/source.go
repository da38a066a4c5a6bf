package consul

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/blocking/requester"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
	"restencil/watch/consul/plan"
	"restencil/watch/schedule"
)

// Options configure how an agent is asked.
type Options = requester.Options

// DefaultOptions returns the defaults, which are those of consul-template.
func DefaultOptions() Options { return requester.DefaultOptions() }

// A Source keeps queries to Consul, or Nomad, current, each as the plan says. It
// implements watch.Source.
type Source struct {
	system   watch.Store
	agent    *requester.Agent
	kind     func(watch.Kind) blocking.Kind // how to put a query
	feedback feedback

	mu            sync.Mutex
	subscriptions map[watch.ID]*subscription
	last          int // the number of the newest subscription
	plan          *plan.Plan
	rules         plan.Rules
	budget        budget
	refusals      schedule.Timers[refusal] // by expiry

	watches
}

// Watches keep the subscriptions of a Source current while Run runs.
type watches struct {
	run      context.Context // nil: Run does not run
	running  sync.WaitGroup
	prefixes map[plan.Extent]*prefixWatch
	services map[plan.Scope]*serviceWatch
	rotation *rotation
	poller   *poller
	witness  context.CancelFunc // stops it; nil: it does not run
}

var _ watch.Source = (*Source)(nil)

// New returns a source for the agent that o names. It reads the files that o
// names, and sends nothing.
func New(o Options) (*Source, error) {
	o, err := o.Filled()
	if err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	c, err := client.New(o)
	if err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	return newSource(o, c), nil
}

func newSource(o Options, c *blocking.Client) *Source {
	requests := fetch.Requests{Client: c}
	return NewFor(watch.Consul, o, c, func(k watch.Kind) blocking.Kind { return requests.ForKind(k, false) })
}

// NewFor returns a source of the queries to a system with the blocking queries of Consul,
// whose agent c reaches; kind returns how to put one to it. The options are those of
// [requester.Options.Filled].
func NewFor(system watch.Store, o Options, c *blocking.Client, kind func(watch.Kind) blocking.Kind) *Source {
	f, wake := feedback{schedule.NewInbox[[]refusal]()}, schedule.NewWakeup()
	s := &Source{
		system: system, kind: kind,
		agent:         requester.NewAgent(c, o, func(l requester.Limit) { f.add(l) }),
		feedback:      f,
		subscriptions: make(map[watch.ID]*subscription),
		rules: plan.Rules{
			Excluded: make(map[plan.Extent]bool),
			Unshared: make(map[watch.ID]bool),
		},
		watches: watches{
			prefixes: make(map[plan.Extent]*prefixWatch),
			services: make(map[plan.Scope]*serviceWatch),
			rotation: &rotation{wake: wake, due: make(map[string]*schedule.Timers[*reading])},
		},
	}
	s.setBudget()
	s.poller = &poller{wake: wake, readers: s.rules.Readers(), from: []schedules{s.rotation}, busy: make(map[string]int)}
	s.plan = s.rules.Make(nil)
	return s
}

// firstPauseEach is a requester's FirstPause for each of the queries that begin with it, if
// these are many.
const firstPauseEach = 500 * time.Microsecond

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) {
	s.mu.Lock()
	s.run = ctx
	s.start(s.poller.run)
	s.replan()
	s.mu.Unlock()
	s.replanOnFeedback(ctx)
	s.mu.Lock()
	s.run = nil // nothing starts any more
	s.mu.Unlock()
	s.running.Wait()
	s.agent.Client.Counter.CloseIdleConnections()
}

// start runs do until it is cancelled, or Run ends. Run runs, and the caller holds the
// lock.
func (s *Source) start(do func(context.Context)) context.CancelFunc {
	ctx, cancel := context.WithCancel(s.run)
	s.running.Go(func() {
		defer cancel()
		do(ctx)
	})
	return cancel
}

// Watch implements watch.Source.
func (s *Source) Watch(list ...watch.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.subscriptions) == 0 {
		s.subscriptions = make(map[watch.ID]*subscription, len(list))
	}
	added := make([]*subscription, 0, len(list))
	ids := make([]watch.ID, 0, len(list))
	for _, w := range list {
		id, q := w.ID, w.ID.Value()
		if q.Kind.Store() != s.system {
			w.Sink.Fail(&watch.Error{Query: q, Class: watch.Invalid, Err: fmt.Errorf("not a query to %s", s.system.Title())})
			continue
		}
		s.last++
		sub := &subscription{id: id, number: s.last, sink: w.Sink}
		s.subscriptions[id] = sub
		added, ids = append(added, sub), append(ids, id)
	}
	switch {
	case s.run == nil: // Run makes the plan
		return
	case s.plan.Add(s.rules, ids...):
	case len(added) == len(s.subscriptions):
		s.plan = s.rules.Make(ids)
	default:
		s.replan()
		return
	}
	s.arrange(added)
}

// Unwatch implements watch.Source.
func (s *Source) Unwatch(ids ...watch.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var removed []*subscription
	for _, id := range ids {
		if sub := s.subscriptions[id]; sub != nil {
			delete(s.subscriptions, id)
			delete(s.rules.Unshared, id)
			s.refusals.Remove(id)
			s.plan.Remove(id)
			removed = append(removed, sub)
		}
	}
	s.arrange(removed)
	if s.plan.Due(s.rules) {
		s.replan()
	}
}

// replan makes a new plan for all subscriptions. The caller holds the lock.
func (s *Source) replan() {
	list := slices.SortedFunc(maps.Values(s.subscriptions), func(a, b *subscription) int { return cmp.Compare(a.number, b.number) })
	ids := make([]watch.ID, len(list))
	for i, sub := range list {
		ids[i] = sub.id
	}
	s.plan = s.rules.Make(ids)
	s.arrange(list)
}

// arrange moves subscriptions to their places in the plan, or takes away those that
// are not in it. Requests of what stays in its place go on. What is to share requests does
// not move while the agent is asked for the first time whether it has to. If the source
// does not run, arrange does nothing.
func (s *Source) arrange(list []*subscription) {
	if s.run == nil {
		return
	}
	s.askLimit()
	p, begin := s.plan, 0
	for _, sub := range list {
		if at := p.Place(sub.id); at != nil && at.Way == plan.Blocking && (sub.place == nil || *sub.place != *at) {
			begin++
		}
	}
	for _, sub := range list {
		at := p.Place(sub.id)
		if at != nil && at.Way == plan.Discovery && s.budget.waits() {
			continue
		}
		if sub.place == nil || at == nil || *sub.place != *at {
			s.leave(sub)
			s.enter(sub, at, begin)
		}
		sub.place = at
	}
	for e, prefix := range s.prefixes {
		switch used := prefix.change(); {
		case !used:
			prefix.stop()
			delete(s.prefixes, e)
		case prefix.stop == nil:
			prefix.stop = s.start(prefix.requester.Keep)
		}
	}
	for scope, services := range s.services {
		services.change(func(now time.Time) { services.d.SetRoom(p.Rooms[scope], now) })
	}
	switch needed := p.NeedsWitness(); {
	case needed && s.witness == nil:
		s.witness = s.start(func(ctx context.Context) { s.agent.Witness(ctx, fetch.Requests{Client: s.agent.Client}.Witness()) })
	case !needed && s.witness != nil:
		s.witness()
		s.witness = nil
	}
}

// leave takes sub from its place, if it has one.
func (s *Source) leave(sub *subscription) {
	if sub.place == nil {
		return
	}
	sub.setOwner(nil)
	switch e := sub.place.Extent; sub.place.Way {
	case plan.Blocking, plan.Rotation:
		sub.stop()
	case plan.Prefix:
		s.prefixes[e].left = true
	case plan.Discovery:
		services := s.services[e.Scope]
		if services.remove(sub) == 0 {
			services.stop()
			delete(s.services, e.Scope)
			s.poller.change(func(from []schedules) []schedules {
				return slices.DeleteFunc(from, func(other schedules) bool { return other == schedules(services) })
			})
		}
	}
}

// enter puts sub in its place, if it has one, when so many get a blocking query of their own.
func (s *Source) enter(sub *subscription, at *plan.Place, begin int) {
	if at == nil {
		return
	}
	if log := s.agent.Options.Log; log != nil && log.Enabled(context.Background(), slog.LevelDebug) {
		log.Debug(fmt.Sprintf("%s: kept by: %s", sub.query().Describe(false), at), "component", string(s.system), "query", sub.query())
	}
	switch at.Way {
	case plan.Blocking:
		k := s.requester(sub)
		k.NeedsWitness = plan.NeedsWitness(k.Query.Kind)
		if begin > s.rules.Budget {
			k.FirstPause = firstPauseEach * time.Duration(begin)
		}
		sub.stop = s.start(k.Keep)
	case plan.Prefix:
		p := s.prefixes[at.Extent]
		if p == nil {
			p = newPrefixWatch(s, at.Extent)
			s.prefixes[at.Extent] = p
		}
		p.joined = append(p.joined, sub)
	case plan.Discovery:
		services := s.services[at.Extent.Scope]
		if services == nil {
			services = newServiceWatch(s, at.Extent.Scope)
			s.services[at.Extent.Scope] = services
			s.poller.change(func(from []schedules) []schedules { return append(from, services) })
		}
		services.add(sub)
	case plan.Rotation:
		k := s.requester(sub)
		k.Once = true
		sub.stop = s.rotation.start(s.run, k)
	}
}

// requester returns a requester for sub alone.
func (s *Source) requester(sub *subscription) *requester.Requester {
	to := &queryReceiver{sub: sub}
	return &requester.Requester{
		Agent: s.agent, Query: sub.query(), Kind: s.kind(sub.query().Kind), To: to, LeaderFirst: sub.setOwner(to),
	}
}
