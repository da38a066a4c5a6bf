package consul

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"restencil/watch"
)

// A Source keeps queries to Consul current. It implements watch.Source.
type Source struct {
	options Options
	client  *client
	agent   *gate // the agent itself

	mu      sync.Mutex
	jobs    map[watch.Query]*job
	servers map[string]*gate // the servers, by datacenter, once they have failed
	run     context.Context  // that of Run while it runs, else nil
	keepers sync.WaitGroup
}

var _ watch.Source = (*Source)(nil)

// A job is a watched query.
type job struct {
	query  watch.Query
	sink   watch.Sink
	cancel context.CancelFunc // nil as long as nothing runs
}

// New returns a source for the agent that o names. It reads the files that o
// names, and contacts nobody.
func New(o Options) (*Source, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	o = o.filled()
	c, err := newClient(o)
	if err != nil {
		return nil, fmt.Errorf("consul: %w", err)
	}
	return newSource(o, c), nil
}

func newSource(o Options, c *client) *Source {
	return &Source{
		options: o,
		client:  c,
		agent:   newGate(probePace(o.Retry)),
		jobs:    make(map[watch.Query]*job),
		servers: make(map[string]*gate),
	}
}

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) {
	s.begin(ctx)
	<-ctx.Done()
	s.end()
	s.keepers.Wait()
	s.client.transport.CloseIdleConnections()
}

func (s *Source) begin(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = ctx
	for _, j := range s.jobs {
		s.start(j)
	}
}

// end sees to it that no keeper starts any more.
func (s *Source) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = nil
}

// start has j kept current. The caller holds the lock, and Run is under way.
func (s *Source) start(j *job) {
	ctx, cancel := context.WithCancel(s.run)
	j.cancel = cancel
	s.keepers.Go(func() {
		defer cancel()
		s.keep(ctx, j)
	})
}

func (s *Source) keep(ctx context.Context, j *job) {
	kind, ok := kindOf(j.query.Kind)
	if !ok {
		j.sink.Fail(&watch.Error{Query: j.query, Class: watch.Invalid, Err: errors.New("not a question for Consul")})
		return
	}
	k := &keeper{s: s, query: j.query, kind: kind, sink: j.sink}
	k.keep(ctx)
}

// Watch implements watch.Source. A query that is watched already changes its
// sink.
func (s *Source) Watch(q watch.Query, sink watch.Sink) {
	s.Unwatch(q)
	s.mu.Lock()
	defer s.mu.Unlock()
	j := &job{query: q, sink: sink}
	s.jobs[q] = j
	if s.run != nil {
		s.start(j)
	}
}

// Unwatch implements watch.Source.
func (s *Source) Unwatch(q watch.Query) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[q]
	if j == nil {
		return
	}
	delete(s.jobs, q)
	if j.cancel != nil {
		j.cancel()
	}
}

// serversOf returns the gate of a datacenter's servers; "" is the agent's own.
func (s *Source) serversOf(datacenter string) *gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.servers[datacenter]
	if g == nil {
		g = newGate(probePace(s.options.Retry))
		s.servers[datacenter] = g
	}
	return g
}
