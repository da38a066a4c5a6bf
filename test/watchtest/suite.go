package watchtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"restencil/watch"
)

// A Harness is a source under test and its store. The suite calls its functions
// from one goroutine at a time; they fail the test if they fail.
type Harness struct {
	// Source is new: neither Run nor Watch has been called. Required.
	Source watch.Source

	// Query asks for one thing, which does not exist yet. Required.
	Query watch.Query

	// Others are other queries to watch at the same time, about eight. Required.
	Others []watch.Query

	// Set creates the thing, or changes its value, a short ASCII text. Required.
	Set func(value string)

	// Delete deletes the thing. Required.
	Delete func()

	// Value returns the value in the data of an answer to Query. ok is false if
	// the thing does not exist: the data is nil or an empty list. Required.
	Value func(data any) (value string, ok bool)

	// Break makes the store fail until Heal; it keeps its values. Nil: the store
	// cannot fail, and those tests are skipped.
	Break, Heal func()

	// Requests returns how many requests for Query the store has under way. Nil
	// if watching holds no request open.
	Requests func() int

	// Timeout is how long the source may take to publish something. Zero means
	// 10 s.
	Timeout time.Duration
}

// prompt is how long ending a request, or Run, may take. Generous, for busy
// machines.
const prompt = 3 * time.Second

// Run runs the suite as subtests of t. setup makes a source with its own store, and
// cleans up with t.Cleanup, which runs after the source has stopped.
func Run(t *testing.T, setup func(*testing.T) Harness) {
	for _, test := range []struct {
		name string
		run  func(*bench)
	}{
		{"first answer", (*bench).firstAnswer},
		{"nothing there, change and delete", (*bench).changeAndDelete},
		{"same value set again", (*bench).sameAgain},
		{"many changes", (*bench).manyChanges},
		{"watch before run", (*bench).watchBeforeRun},
		{"failure and recovery", (*bench).failureAndRecovery},
		{"broken from the start", (*bench).brokenFromTheStart},
		{"unwatch", (*bench).unwatch},
		{"unwatch while broken", (*bench).unwatchWhileBroken},
		{"unwatch and watch at once", (*bench).rewatch},
		{"run ends", (*bench).runEnds},
		{"run ends while broken", (*bench).runEndsWhileBroken},
		{"inspection", (*bench).inspected},
		{"concurrent use", (*bench).concurrent},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := setup(t)
			if h.Timeout == 0 {
				h.Timeout = 10 * time.Second
			}
			test.run(&bench{Harness: h, T: t, before: goleak.IgnoreCurrent()})
		})
	}
}

// A bench is one test at work.
type bench struct {
	Harness
	*testing.T
	before goleak.Option // the goroutines that were there first
	cancel context.CancelFunc
	ended  chan struct{}
}

// start begins the source's Run, which ends with the test at the latest.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel, b.ended = cancel, make(chan struct{})
	go func() {
		defer close(b.ended)
		b.Source.Run(ctx)
	}()
	b.Cleanup(b.stop)
}

// stop ends Run, and checks that it ends promptly and leaves no goroutine.
func (b *bench) stop() {
	b.Helper()
	b.cancel()
	select {
	case <-b.ended:
	case <-time.After(prompt):
		b.Fatalf("Run has not returned %v after its context ended", prompt)
	}
	if err := goleak.Find(b.before); err != nil {
		b.Errorf("something still runs after Run has returned: %v", err)
	}
}

// watch watches Query with a new recorder.
func (b *bench) watch() *Recorder {
	r := NewRecorder(b.T)
	b.Source.Watch(watch.Subscription{ID: b.Query.ID(), Sink: r})
	return r
}

// await waits until the newest answer says that the thing has the value.
func (b *bench) await(r *Recorder, value string) {
	b.Helper()
	r.Wait(fmt.Sprintf("answer %q", value), b.Timeout, func(events []Event) bool {
		got, ok := b.newest(events)
		return ok && got == value
	})
	b.inspect(r)
}

// awaitNothing waits until the newest answer says that nothing is there.
func (b *bench) awaitNothing(r *Recorder) {
	b.Helper()
	r.Wait("answer that nothing is there", b.Timeout, func(events []Event) bool {
		_, ok := b.newest(events)
		return len(answers(events)) > 0 && !ok
	})
	b.inspect(r)
}

// awaitFailure waits for a failure after the first skip events.
func (b *bench) awaitFailure(r *Recorder, skip int) {
	b.Helper()
	r.Wait("failure", b.Timeout, func(events []Event) bool {
		return len(events) > skip && events[len(events)-1].Err != nil
	})
	for _, e := range r.Events() {
		if e.Err != nil && !strings.HasPrefix(e.Err.Error(), b.Query.String()+": ") {
			b.Errorf("failure %q does not begin with the query's identity %q", e.Err, b.Query)
		}
	}
}

// inspect checks what is true of every answer.
func (b *bench) inspect(r *Recorder) {
	b.Helper()
	for _, a := range answers(r.Events()) {
		if a.Time.IsZero() {
			b.Error("an answer has no Time")
		}
		if a.Last != nil {
			b.Error("a source has set Answer.Last, which is the Watcher's")
		}
	}
}

// awaitRequests waits until the store has (or has not) a request for Query
// under way.
func (b *bench) awaitRequests(some bool, limit time.Duration) {
	b.Helper()
	if b.Requests == nil {
		return
	}
	tick := time.Tick(time.Millisecond)
	for start := time.Now(); (b.Requests() > 0) != some; <-tick {
		if time.Since(start) > limit {
			b.Fatalf("the store has %d requests under way after %v, want some: %v", b.Requests(), limit, some)
		}
	}
}

func (b *bench) needBreak() {
	if b.Break == nil || b.Heal == nil {
		b.Skip("this store cannot fail")
	}
}

// newest returns the value in the newest answer; ok is false if there is no answer,
// or the thing does not exist.
func (b *bench) newest(events []Event) (value string, ok bool) {
	all := answers(events)
	if len(all) == 0 {
		return "", false
	}
	return b.Value(all[len(all)-1].Data)
}

// answers returns the answers among events.
func answers(events []Event) []watch.Answer {
	var all []watch.Answer
	for _, e := range events {
		if e.Err == nil {
			all = append(all, e.Answer)
		}
	}
	return all
}

// text returns events in lines.
func text(events []Event) string {
	if len(events) == 0 {
		return "none"
	}
	var b strings.Builder
	for _, e := range events {
		if e.Err != nil {
			fmt.Fprintf(&b, "\n\tfailure: %v", e.Err)
		} else {
			fmt.Fprintf(&b, "\n\tanswer: %+v", e.Answer)
		}
	}
	return b.String()
}
