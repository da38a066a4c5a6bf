package cache

import (
	"context"
	"errors"
	"sync"
	"time"

	"restencil/watch"
)

// A memory is a store and its source in one: a goroutine, Run's, tells every
// sink of every change.
type memory struct {
	mu     sync.Mutex
	data   map[watch.Query]any
	broken bool
	calls  int // of WatchAll and UnwatchAll
	denied bool
	sinks  map[watch.Query]watch.Sink
	look   chan struct{} // something changed
}

func newMemory() *memory {
	return &memory{
		data:  make(map[watch.Query]any),
		sinks: make(map[watch.Query]watch.Sink),
		look:  make(chan struct{}, 1),
	}
}

func (m *memory) change(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do()
	select {
	case m.look <- struct{}{}:
	default:
	}
}

func (m *memory) set(q watch.Query, data any) { m.change(func() { m.data[q] = data }) }
func (m *memory) breakDown()                  { m.change(func() { m.broken = true }) }
func (m *memory) heal()                       { m.change(func() { m.broken = false }) }

func (m *memory) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.look:
			m.notify()
		}
	}
}

func (m *memory) notify() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for q, s := range m.sinks {
		if m.broken {
			class := watch.Retry
			if m.denied {
				class = watch.Denied
			}
			s.Fail(&watch.Error{Query: q, Class: class, Err: errors.New("broken")})
			continue
		}
		s.Publish(watch.Answer{Data: m.data[q], Index: 7, Time: time.Now()})
	}
}

func (b *memory) Watch(list ...watch.Subscription) {
	b.change(func() {
		b.calls++
		for _, s := range list {
			b.sinks[s.ID.Value()] = s.Sink
		}
	})
}

func (b *memory) Unwatch(queries ...watch.ID) {
	b.change(func() {
		b.calls++
		for _, q := range queries {
			delete(b.sinks, q.Value())
		}
	})
}
