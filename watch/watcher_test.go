package watch

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A fakeSource hands its sinks to the test, and notes how it is called.
type fakeSource struct {
	mu    sync.Mutex
	sinks map[Query]Sink

	watched   [][]Query
	unwatched [][]Query
}

func newFake() *fakeSource { return &fakeSource{sinks: make(map[Query]Sink)} }

func (s *fakeSource) Run(ctx context.Context) { <-ctx.Done() }

func (s *fakeSource) Watch(list ...Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var queries []Query
	for _, sub := range list {
		q := sub.ID.Value()
		s.sinks[q] = sub.Sink
		queries = append(queries, q)
	}
	s.watched = append(s.watched, queries)
}

func (s *fakeSource) Unwatch(ids ...ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var queries []Query
	for _, id := range ids {
		delete(s.sinks, id.Value())
		queries = append(queries, id.Value())
	}
	s.unwatched = append(s.unwatched, queries)
}

func key(name string) Query { return Query{Kind: KVGet, Name: name} }

func woken(w *Watcher) bool {
	select {
	case <-w.Changed():
		return true
	default:
		return false
	}
}

// take returns what is new, by query.
func take(w *Watcher) map[Query]State {
	m := make(map[Query]State)
	for _, u := range w.Take() {
		m[u.ID.Value()] = *u.State
	}
	return m
}

func TestWatcherKeepsTheNewest(t *testing.T) {
	src := newFake()
	w := New(map[Store]Source{Consul: src})
	w.Watch(key("a").ID(), key("b").ID(), key("a").ID())
	a := src.sinks[key("a")]
	for _, v := range []string{"1", "2", "3"} {
		a.Publish(Answer{Data: v})
	}
	if !woken(w) || woken(w) {
		t.Error("want exactly one wake-up for three answers")
	}
	got := take(w)
	if len(got) != 1 || got[key("a")].Answer.Data != "3" {
		t.Errorf("Take = %v, want only a = 3", got)
	}
	if len(w.Take()) != 0 {
		t.Error("a second Take gave the same news again")
	}
}

func TestWatcherDropsWhatIsKnown(t *testing.T) {
	src := newFake()
	w := New(map[Store]Source{Consul: src})
	w.Watch(key("a").ID())
	a := src.sinks[key("a")]
	a.Publish(Answer{Data: []string{"x"}})
	first := take(w)[key("a")].Answer.Data
	woken(w)
	a.Publish(Answer{Data: []string{"x"}, Index: 7})
	if woken(w) || len(w.Take()) != 0 {
		t.Error("an equal answer was told")
	}
	a.Publish(Answer{Data: nil})
	st := take(w)[key("a")]
	if !st.Known || st.Answer.Data != nil {
		t.Errorf("after deletion: %+v, want a known nil", st)
	}
	if diff := cmp.Diff(first, st.Answer.Last); diff != "" {
		t.Errorf("Last after deletion: %s", diff)
	}
}

// What a check prints is data like any other.
func TestWatcherTellsOutputsOfChecks(t *testing.T) {
	src := newFake()
	w := New(map[Store]Source{Consul: src})
	q := Query{Kind: ServiceHealth, Name: "web"}
	w.Watch(q.ID())
	list := instances(2)
	for i, step := range []struct {
		change  func()
		version int
	}{
		{func() {}, 1},
		{func() {}, 1},
		{func() { list[1].Checks[0].Output = "slow" }, 2},
		{func() { list[0].Status = "warning" }, 3},
	} {
		step.change()
		src.sinks[q].Publish(Answer{Data: clone(t, list)})
		st := w.entries[q.ID()].state
		if diff := cmp.Diff(list, st.Answer.Data); diff != "" {
			t.Errorf("step %d: not the newest answer: %s", i, diff)
		}
		if st.Version != step.version {
			t.Errorf("step %d: version %d, want %d", i, st.Version, step.version)
		}
	}
	if len(w.Take()) != 1 || len(w.Take()) != 0 {
		t.Error("what changed was not told just once")
	}
}

func TestWatcherFailures(t *testing.T) {
	src := newFake()
	w := New(map[Store]Source{Consul: src})
	w.Watch(key("a").ID())
	a := src.sinks[key("a")]
	a.Publish(Answer{Data: "1"})
	a.Fail(errors.New("one"))
	since := take(w)[key("a")].Failure.Since
	a.Fail(errors.New("two"))
	st := take(w)[key("a")]
	if st.Answer.Data != "1" || !st.Known {
		t.Errorf("a failure lost the last good answer: %+v", st)
	}
	if f := st.Failure; f.Attempts != 2 || f.Err.Error() != "two" || !f.Since.Equal(since) {
		t.Errorf("failure = %+v, want the second, since the first", f)
	}
	a.Fail(&Error{Query: key("a"), Err: errors.New("away"), Attempts: 9})
	if f := take(w)[key("a")].Failure; f.Attempts != 9 {
		t.Errorf("%d attempts, want the 9 that others made", f.Attempts)
	}
	a.Publish(Answer{Data: "1"})
	if st := take(w)[key("a")]; st.Failure != nil || st.Answer.Data != "1" {
		t.Errorf("after recovery with the same data: %+v, want it told, without failure", st)
	}
}

func TestWatcherForgets(t *testing.T) {
	src := newFake()
	w := New(map[Store]Source{Consul: src})
	w.Watch(key("a").ID())
	old := src.sinks[key("a")]
	old.Publish(Answer{Data: "1"})
	w.Unwatch(key("a").ID(), key("never").ID())
	if len(w.Take()) != 0 {
		t.Error("an unwatched query was told")
	}
	w.Watch(key("a").ID())
	old.Publish(Answer{Data: "late"})
	if len(w.Take()) != 0 {
		t.Error("a late answer to the old watch reached the new one")
	}
}

func TestWatcherWithoutSource(t *testing.T) {
	w := New(nil)
	q := Query{Kind: VaultRead, Name: "secret/a"}
	w.Watch(q.ID())
	f := take(w)[q].Failure
	if f == nil || !errors.Is(f.Err, ErrNotConfigured) || Classify(f.Err) != Invalid {
		t.Errorf("failure = %+v, want ErrNotConfigured", f)
	}
	if w.Serves(Vault) {
		t.Error("Serves(Vault) without a source")
	}
	w.Unwatch(q.ID())
}

func TestWatcherBatches(t *testing.T) {
	src, other := newFake(), newFake()
	w := New(map[Store]Source{Consul: src, Vault: other})
	secret := Query{Kind: VaultRead, Name: "secret/a"}
	w.Watch(key("a").ID())
	w.Watch(key("b").ID(), key("a").ID(), secret.ID(), key("c").ID(), key("b").ID())
	if diff := cmp.Diff([][]Query{{key("a")}, {key("b"), key("c")}}, src.watched); diff != "" {
		t.Errorf("calls of Watch: %s", diff)
	}
	if other.sinks[secret] == nil {
		t.Error("the other source was not told")
	}
	src.sinks[key("c")].Publish(Answer{Data: "1"})
	if got := take(w); got[key("c")].Answer.Data != "1" {
		t.Errorf("Take = %v, want c = 1", got)
	}
	w.Unwatch(key("c").ID(), secret.ID(), key("never").ID(), key("a").ID())
	if diff := cmp.Diff([][]Query{{key("c"), key("a")}}, src.unwatched); diff != "" {
		t.Errorf("calls of Unwatch: %s", diff)
	}
	if len(other.sinks) != 0 {
		t.Error("the other source was not told of the end")
	}
}

func TestWatcherRunEndsWithItsSources(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := New(map[Store]Source{Consul: newFake(), Files: newFake()})
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	cancel()
	<-done
}
