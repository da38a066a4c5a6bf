package templates

import (
	"testing"
	"time"

	"restencil/runner/event"
	"restencil/watch"
)

func TestReportsGrowRarer(t *testing.T) {
	w := waiting{Waits: event.Waits{Since: time.Unix(1000, 0)}}
	last := w.nextReport(false)
	if after := last.Sub(w.Since); after >= 2*time.Second {
		t.Errorf("first report after %v, want it within 2 s", after)
	}
	for w.reports = 1; w.reports < 50; w.reports++ {
		next := w.nextReport(false)
		if !next.After(last) {
			t.Errorf("report %d at %v, not later than the one before", w.reports, next)
		}
		last = next
	}
}

// TestWaitingSince: a query is missed since the execution that missed it first, which one
// that has been answered meanwhile begins anew.
func TestWaitingSince(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	id := func(name string) watch.ID { return watch.Query{Kind: watch.KVGet, Name: name}.ID() }
	a, b, c := id("a"), id("b"), id("c")
	var w waiting
	w.set([]watch.ID{a, b}, at(1))
	w.set([]watch.ID{a, c, c}, at(2))
	w.set([]watch.ID{b, c, a}, at(3))
	got := ""
	for _, m := range w.queries() {
		got += m.Query.Name + m.Since.UTC().Format("05 ")
	}
	if want := "a01 c02 b03 "; got != want {
		t.Errorf("waits %q, want %q", got, want)
	}
	w.set(nil, at(4))
	if w.set([]watch.ID{b}, at(5)); w.Of(b) != at(5) {
		t.Errorf("b is missed since %v after nothing was", w.Of(b))
	}
}
