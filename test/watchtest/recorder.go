package watchtest

import (
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"restencil/watch"
)

// An Event is one call to a sink: an answer, or where Err is set, a failure.
type Event struct {
	Answer watch.Answer
	Err    error
}

// A Recorder is a watch.Sink that records every call. Overlapping calls, which a
// source must not make, fail the test.
type Recorder struct {
	t    testing.TB
	busy atomic.Bool

	mu     sync.Mutex
	events []Event
	next   chan struct{} // closed, and replaced, at each event
	known  bool          // there was an answer
	data   any           // of the last one
}

// NewRecorder returns an empty recorder.
func NewRecorder(t testing.TB) *Recorder {
	return &Recorder{t: t, next: make(chan struct{})}
}

// Publish implements watch.Sink.
func (r *Recorder) Publish(a watch.Answer) (news bool) {
	news = !r.known || !reflect.DeepEqual(watch.Reveal(r.data), watch.Reveal(a.Data))
	r.known, r.data = true, a.Data
	r.record(Event{Answer: a})
	return news
}

// Fail implements watch.Sink.
func (r *Recorder) Fail(err error) {
	if err == nil {
		r.t.Error("Fail was called with a nil error")
	}
	r.record(Event{Err: err})
}

func (r *Recorder) record(e Event) {
	if r.busy.Swap(true) {
		r.t.Error("two calls to one sink overlap")
	}
	defer r.busy.Store(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	close(r.next)
	r.next = make(chan struct{})
}

// Events returns all events so far, oldest first.
func (r *Recorder) Events() []Event {
	events, _ := r.snapshot()
	return events
}

func (r *Recorder) snapshot() ([]Event, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events), r.next
}

// Wait returns the events once they satisfy ok. If that takes longer than limit, it
// fails the test with what it waited for and the events so far.
func (r *Recorder) Wait(what string, limit time.Duration, ok func([]Event) bool) []Event {
	r.t.Helper()
	deadline := time.After(limit)
	for {
		events, next := r.snapshot()
		if ok(events) {
			return events
		}
		select {
		case <-next:
		case <-deadline:
			r.t.Fatalf("no %s within %v; events so far: %s", what, limit, text(events))
		}
	}
}

// receives reports whether any event comes within limit. Unlike Wait it may be
// called from any goroutine.
func (r *Recorder) receives(limit time.Duration) bool {
	events, next := r.snapshot()
	if len(events) > 0 {
		return true
	}
	select {
	case <-next:
		return true
	case <-time.After(limit):
		return false
	}
}
