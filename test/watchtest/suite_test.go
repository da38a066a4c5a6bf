package watchtest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
)

// TestRun runs the suite on the simplest source that there can be.
func TestRun(t *testing.T) {
	watchtest.Run(t, func(t *testing.T) watchtest.Harness {
		m := newMemory()
		h := watchtest.Harness{
			Source: m,
			Query:  watch.Query{Kind: watch.KVGet, Name: "key"},
			Set:    func(value string) { m.change(func() { m.data["key"] = value }) },
			Delete: func() { m.change(func() { delete(m.data, "key") }) },
			Break:  func() { m.change(func() { m.broken = true }) },
			Heal:   func() { m.change(func() { m.broken = false }) },
			Value: func(data any) (string, bool) {
				s, ok := data.(string)
				return s, ok
			},
		}
		for i := range 8 {
			h.Others = append(h.Others, watch.Query{Kind: watch.KVGet, Name: fmt.Sprint("other", i)})
		}
		return h
	})
}

// memory is a source that holds its own data: one goroutine, Run's, tells
// every sink of every change.
type memory struct {
	mu     sync.Mutex
	data   map[string]any
	broken bool
	sinks  map[watch.Query]watch.Sink
	look   chan struct{} // something changed
}

func newMemory() *memory {
	return &memory{
		data:  make(map[string]any),
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

func (m *memory) Watch(list ...watch.Subscription) {
	m.change(func() {
		for _, sub := range list {
			m.sinks[sub.ID.Value()] = sub.Sink
		}
	})
}

func (m *memory) Unwatch(ids ...watch.ID) {
	m.change(func() {
		for _, id := range ids {
			delete(m.sinks, id.Value())
		}
	})
}

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
			s.Fail(&watch.Error{Query: q, Err: errors.New("broken")})
			continue
		}
		s.Publish(watch.Answer{Data: m.data[q.Name], Time: time.Now()})
	}
}
