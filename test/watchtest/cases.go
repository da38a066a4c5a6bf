package watchtest

import (
	"strconv"
	"sync"
	"time"

	"restencil/watch"
)

func (b *bench) firstAnswer() {
	b.Set("one")
	b.start()
	r := b.watch()
	b.await(r, "one")
	if first := r.Events()[0]; first.Err != nil {
		b.Errorf("the first event is the failure %v", first.Err)
	}
}

func (b *bench) changeAndDelete() {
	b.start()
	r := b.watch()
	b.awaitNothing(r)
	for range 2 {
		b.Set("one")
		b.await(r, "one")
		b.Set("two")
		b.await(r, "two")
		b.Delete()
		b.awaitNothing(r)
	}
}

// sameAgain: unchanged data may be published again, but not altered.
func (b *bench) sameAgain() {
	b.Set("one")
	b.start()
	r := b.watch()
	b.await(r, "one")
	b.Set("one")
	b.Set("one")
	b.Set("two")
	b.await(r, "two")
	for _, a := range answers(r.Events()) {
		if v, ok := b.Value(a.Data); !ok || v != "one" && v != "two" {
			b.Errorf("the thing was %q and then %q, but an answer is %+v", "one", "two", a)
		}
	}
}

// manyChanges: some may be skipped, but the order is kept, the last arrives, and
// no published answer changes.
func (b *bench) manyChanges() {
	const changes = 50
	b.Set("0")
	b.start()
	r := b.watch()
	for i := 1; i <= changes; i++ {
		b.Set(strconv.Itoa(i))
	}
	b.await(r, strconv.Itoa(changes))
	last := -1
	for _, a := range answers(r.Events()) {
		v, _ := b.Value(a.Data)
		n, err := strconv.Atoi(v)
		if err != nil || n < last {
			b.Fatalf("after %d the thing never was %q; answer: %+v", last, v, a)
		}
		last = n
	}
}

func (b *bench) watchBeforeRun() {
	b.Set("one")
	r := b.watch()
	gone := b.Others[0]
	b.Source.Watch(watch.Subscription{ID: gone.ID(), Sink: NewRecorder(b.T)})
	b.Source.Unwatch(gone.ID())
	if len(r.Events()) > 0 {
		b.Errorf("the source was at work before Run: %s", text(r.Events()))
	}
	b.start()
	b.await(r, "one")
}

func (b *bench) failureAndRecovery() {
	b.needBreak()
	b.Set("one")
	b.start()
	r := b.watch()
	b.await(r, "one")
	for _, next := range []string{"two", "three"} {
		before := len(r.Events())
		b.Break()
		b.awaitFailure(r, before)
		broken := len(r.Events())
		b.Heal()
		r.Wait("answer after the store came back", b.Timeout, func(events []Event) bool {
			return len(answers(events[broken:])) > 0
		})
		b.Set(next)
		b.await(r, next)
	}
	for _, a := range answers(r.Events()) {
		if _, ok := b.Value(a.Data); !ok {
			b.Errorf("a failure was published as an answer: %+v", a)
		}
	}
}

func (b *bench) brokenFromTheStart() {
	b.needBreak()
	b.Set("one")
	b.Break()
	b.start()
	r := b.watch()
	b.awaitFailure(r, 0)
	if a := answers(r.Events()); len(a) > 0 {
		b.Errorf("the store is broken, and yet it answered %+v", a)
	}
	b.Heal()
	b.await(r, "one")
}

// unwatch: the request is cancelled, and the sink gets no later change.
func (b *bench) unwatch() {
	b.Source.Unwatch(b.Query.ID()) // not watched: nothing to do
	b.Set("one")
	b.start()
	old := b.watch()
	b.await(old, "one")
	b.awaitRequests(true, b.Timeout)
	b.Source.Unwatch(b.Query.ID())
	b.Source.Unwatch(b.Query.ID())
	b.awaitRequests(false, prompt)
	b.Set("two")
	witness := NewRecorder(b.T)
	b.Source.Watch(watch.Subscription{ID: b.Others[0].ID(), Sink: witness})
	witness.Wait("answer to another query", b.Timeout, func(events []Event) bool { return len(events) > 0 })
	b.await(b.watch(), "two")
	if v, _ := b.newest(old.Events()); v != "one" {
		b.Errorf("the unwatched sink has got %q", v)
	}
}

func (b *bench) unwatchWhileBroken() {
	b.needBreak()
	b.Break()
	b.start()
	old := b.watch()
	b.awaitFailure(old, 0)
	b.Source.Unwatch(b.Query.ID())
	b.awaitRequests(false, prompt)
	b.Heal()
	b.Set("one")
	b.await(b.watch(), "one")
	if a := answers(old.Events()); len(a) > 0 {
		b.Errorf("the unwatched sink has got the answer %+v", a)
	}
}

func (b *bench) rewatch() {
	b.Set("one")
	b.start()
	b.await(b.watch(), "one")
	var r *Recorder
	for range 20 {
		b.Source.Unwatch(b.Query.ID())
		r = b.watch()
	}
	b.await(r, "one")
	b.Set("two")
	b.await(r, "two")
}

// runEnds: no sink is called once Run has returned.
func (b *bench) runEnds() {
	b.Set("one")
	b.start()
	r := b.watch()
	b.await(r, "one")
	for _, q := range b.Others {
		b.Source.Watch(watch.Subscription{ID: q.ID(), Sink: NewRecorder(b.T)})
	}
	b.stop()
	b.awaitRequests(false, prompt)
	before := len(r.Events())
	b.Set("two")
	b.Source.Unwatch(b.Query.ID())
	if events := r.Events()[before:]; len(events) > 0 {
		b.Errorf("after Run had returned: %s", text(events))
	}
}

func (b *bench) runEndsWhileBroken() {
	b.needBreak()
	b.Break()
	b.start()
	b.awaitFailure(b.watch(), 0)
	b.stop()
}

// concurrent is for the race detector: each of Others is watched and unwatched by
// a goroutine, while Query changes.
func (b *bench) concurrent() {
	b.Set("0")
	b.start()
	r := b.watch()
	var wg sync.WaitGroup
	for _, q := range b.Others { // watched ever longer, then until an event
		wg.Go(func() {
			for i := range 20 {
				b.Source.Watch(watch.Subscription{ID: q.ID(), Sink: NewRecorder(b.T)})
				time.Sleep(time.Duration(i) * 100 * time.Microsecond)
				b.inspection()
				b.Source.Unwatch(q.ID())
			}
			last := NewRecorder(b.T)
			b.Source.Watch(watch.Subscription{ID: q.ID(), Sink: last})
			if !last.receives(b.Timeout) {
				b.Errorf("%s: no event within %v", q, b.Timeout)
			}
		})
	}
	for i := range 20 {
		b.Set(strconv.Itoa(i))
	}
	wg.Wait()
	b.Set("done")
	b.await(r, "done")
}

// inspected: a source says how it keeps what is watched, and only that, whether Run
// runs or not.
func (b *bench) inspected() {
	if b.inspection().Kept == nil {
		b.Skip("the source does not say how it keeps its queries")
	}
	b.Set("one")
	b.start()
	b.await(b.watch(), "one")
	giveUp := time.After(b.Timeout)
	for i := b.inspection(); i.Kept[b.Query.ID()] == ""; i = b.inspection() { // it plans when it has published
		select {
		case <-giveUp:
			b.Fatalf("it does not say how it keeps %s: %+v", b.Query, i)
		case <-time.After(time.Millisecond):
		}
	}
	b.Source.Unwatch(b.Query.ID())
	witness := NewRecorder(b.T)
	b.Source.Watch(watch.Subscription{ID: b.Others[0].ID(), Sink: witness})
	witness.Wait("answer to another query", b.Timeout, func(events []Event) bool { return len(events) > 0 })
	if how := b.inspection().Kept[b.Query.ID()]; how != "" {
		b.Errorf("it keeps by %s what is not watched any more", how)
	}
	b.stop()
	b.inspection()
}

func (b *bench) inspection() (i watch.Inspection) {
	if source, ok := b.Source.(watch.Inspector); ok {
		i = source.Inspect()
	}
	return i
}
