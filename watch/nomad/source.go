package nomad

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/blocking/requester"
)

// Options configure how an agent is asked. Start from DefaultOptions: zero means what
// each field says. TokenFile is not used, and PollInterval neither.
type Options struct {
	// Options are those of Consul's agent, with Nomad's addresses: http://…,
	// https://… or unix:///path, "" for http://127.0.0.1:4646. MaxConnections zero
	// is 80: by default, an agent accepts 100 from one client
	// (limits.http_max_conns_per_client). Beyond 4/5 of them, queries are read again
	// and again, and none waits for news.
	requester.Options

	Region string // that queries without one are for; "" is the agent's own
}

// DefaultOptions returns the defaults, which are those of consul-template.
func DefaultOptions() Options {
	o := Options{Options: requester.DefaultOptions()}
	o.MaxConnections = 80
	return o
}

// connections returns how many connections there may be.
func (o Options) connections() int {
	return cmp.Or(o.Transport.MaxConnsPerHost, o.MaxConnections, DefaultOptions().MaxConnections)
}

// A Source keeps queries to Nomad current. It implements watch.Source.
type Source struct {
	client  *agent
	agent   *requester.Agent
	waiting chan struct{} // has a value for each query that waits for news

	mu            sync.Mutex
	subscriptions map[watch.ID]*subscription
	run           context.Context // nil: Run does not run
	running       sync.WaitGroup
}

var _ watch.Source = (*Source)(nil)

// New returns a source for the agent that o names. It reads the files that o names, and
// sends nothing.
func New(o Options) (*Source, error) {
	var err error
	if o.Options, err = o.Filled(); err != nil {
		return nil, fmt.Errorf("nomad: %w", err)
	}
	c, err := newClient(o)
	if err != nil {
		return nil, fmt.Errorf("nomad: %w", err)
	}
	return newSource(o, c), nil
}

func newSource(o Options, c *agent) *Source {
	return &Source{
		client:        c,
		agent:         requester.NewAgent(c.Client, o.Options, func(requester.Limit) {}),
		waiting:       make(chan struct{}, o.connections()*4/5),
		subscriptions: make(map[watch.ID]*subscription),
	}
}

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) {
	s.mu.Lock()
	s.run = ctx
	for _, sub := range s.subscriptions {
		s.start(sub)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.run = nil // nothing starts any more
	s.mu.Unlock()
	s.running.Wait()
	s.agent.Client.Transport.CloseIdleConnections()
}

// Watch implements watch.Source.
func (s *Source) Watch(list ...watch.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range list {
		q := w.ID.Value()
		kind, ok := s.client.forKind(q.Kind)
		if !ok {
			w.Sink.Fail(&watch.Error{Query: q, Class: watch.Invalid, Err: errors.New("not a query to Nomad")})
			continue
		}
		sub := &subscription{sink: w.Sink, stop: func() {}}
		sub.requester = requester.Requester{Agent: s.agent, Query: q, Kind: kind, To: sub}
		s.subscriptions[w.ID] = sub
		if s.run != nil {
			s.start(sub)
		}
	}
}

// Unwatch implements watch.Source.
func (s *Source) Unwatch(ids ...watch.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if sub := s.subscriptions[id]; sub != nil {
			sub.stop()
			delete(s.subscriptions, id)
		}
	}
}

// start begins to keep sub current, until it is stopped or Run ends. The caller holds
// the lock.
func (s *Source) start(sub *subscription) {
	ctx, cancel := context.WithCancel(s.run)
	sub.stop = cancel
	s.running.Go(func() {
		defer cancel()
		s.keep(ctx, sub)
	})
}

// How often a query that does not wait for news is read.
const (
	pollLeast = time.Second          // again, at the soonest
	pollEach  = 5 * time.Millisecond // the same, for each query
)

// keep keeps sub current by blocking queries, if there may be one more of them; until
// then it reads again and again.
func (s *Source) keep(ctx context.Context, sub *subscription) {
	for ctx.Err() == nil {
		select {
		case s.waiting <- struct{}{}:
			sub.blocking.Store(true)
			sub.requester.Once = false
			sub.requester.Keep(ctx)
			<-s.waiting
			return
		default:
		}
		sub.requester.Once = true
		_, wait := sub.requester.Read(ctx)
		s.mu.Lock()
		pause := max(pollLeast, pollEach*time.Duration(len(s.subscriptions)), wait)
		s.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(pause + rand.N(pause/10)):
		}
	}
}

// Inspect implements watch.Inspector.
func (s *Source) Inspect() watch.Inspection {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := watch.Inspection{Kept: make(map[watch.ID]string, len(s.subscriptions)), Counts: s.agent.Client.Counter.Counts()}
	for id, sub := range s.subscriptions {
		i.Kept[id] = "read again and again"
		if sub.blocking.Load() {
			i.Kept[id] = "a blocking query of its own"
		}
	}
	return i
}

// A subscription is a watched query. It is the receiver of its requester.
type subscription struct {
	requester requester.Requester
	sink      watch.Sink
	stop      func()
	blocking  atomic.Bool

	known   bool // an answer was published
	failing bool // the sink got a failure last
	data    any  // of the last answer
}

// Take implements requester.Receiver.
func (sub *subscription) Take(r blocking.Reply) (news bool) {
	news = !sub.known || !reflect.DeepEqual(sub.data, r.Data)
	if news || sub.failing {
		sub.known, sub.failing, sub.data = true, false, r.Data
		if sub.requester.Query.Kind.Secret() {
			r.Data = watch.Taint(r.Data)
		}
		sub.sink.Publish(watch.Answer{Data: r.Data, Index: r.Index, Time: time.Now()})
	}
	return news
}

// Failed implements requester.Receiver.
func (sub *subscription) Failed(err *watch.Error) {
	sub.failing = true
	sub.sink.Fail(err)
}
