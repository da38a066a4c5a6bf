package watch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A stage is a source whose run can be seen, and takes a second to end.
type stage struct {
	*fakeSource
	mu    sync.Mutex
	state string // "", "runs" or "ended"
}

func newStage() *stage { return &stage{fakeSource: newFake()} }

func (s *stage) Run(ctx context.Context) {
	s.set("runs")
	<-ctx.Done()
	time.Sleep(time.Second)
	s.set("ended")
}

func (s *stage) set(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

func (s *stage) is(t *testing.T, want string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != want {
		t.Errorf("the source is %q, want %q", s.state, want)
	}
}

// sink returns what the source was given for a query, which it must have been.
func (s *stage) sink(t *testing.T, q Query) Sink {
	t.Helper()
	s.fakeSource.mu.Lock()
	defer s.fakeSource.mu.Unlock()
	sink := s.sinks[q]
	if sink == nil {
		t.Fatalf("the source was not asked %s", q)
	}
	return sink
}

// run runs w and returns what ends that and waits for it.
func run(t *testing.T, w *Watcher) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-done
	}
}

func TestReplaceTakesOverWhatIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next, other := newStage(), newStage(), newStage()
		w := New(map[Store]Source{Consul: old, Files: other})
		stop := run(t, w)
		file := Query{Kind: FileContent, Name: "f"}
		w.Watch(key("a").ID(), key("b").ID(), file.ID())
		a := old.sink(t, key("a"))
		a.Publish(Answer{Data: "old"})
		take(w)
		woken(w)
		old.sink(t, key("b")).Publish(Answer{Data: "not taken yet"})

		w.Replace(map[Store]Source{Consul: next})
		if got := take(w); len(got) != 1 || got[key("b")].Answer.Data != "not taken yet" {
			t.Errorf("what had not been taken before the replacement is %v", got)
		}
		a.Publish(Answer{Data: "late"})
		a.Fail(errors.New("late"))
		if got := take(w); len(got) != 0 {
			t.Errorf("a late word of the old source arrived: %v", got)
		}
		next.sink(t, key("a")).Publish(Answer{Data: "old"})
		if got := take(w); len(got) != 0 {
			t.Errorf("an answer that is known was told again: %v", got)
		}
		next.sink(t, key("a")).Publish(Answer{Data: "new"})
		if st := take(w)[key("a")]; st.Answer.Data != "new" || st.Version != 2 {
			t.Errorf("after the new answer: %+v", st)
		}
		if n := len(other.sinks); n != 1 {
			t.Errorf("the other store's source has %d queries, want the one it had", n)
		}
		stop()
	})
}

// A source runs when its store is asked the first time. One of a store runs at a time,
// and Run joins all of them.
func TestReplaceRunsOneAfterAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third, other, unused := newStage(), newStage(), newStage(), newStage(), newStage()
		w := New(map[Store]Source{Consul: first, Files: other, Nomad: newStage()})
		w.Watch(key("a").ID())
		stop := run(t, w)
		first.is(t, "runs")
		other.is(t, "")
		w.Watch((Query{Kind: FileContent, Name: "f"}).ID())
		w.Replace(map[Store]Source{Nomad: unused})
		synctest.Wait()
		w.Replace(map[Store]Source{Consul: second})
		synctest.Wait()
		second.is(t, "")
		w.Replace(map[Store]Source{Consul: third}) // before second ever ran
		time.Sleep(1500 * time.Millisecond)
		first.is(t, "ended")
		third.is(t, "")
		time.Sleep(time.Second)
		second.is(t, "ended")
		third.is(t, "runs")
		other.is(t, "runs")
		unused.is(t, "")
		stop()
		third.is(t, "ended")
		other.is(t, "ended")
		late := newStage()
		w.Replace(map[Store]Source{Consul: late})
		synctest.Wait()
		late.is(t, "")
	})
}

// A store that is removed and added again has one source that runs at a time, too.
func TestReplaceAfterARemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newStage(), newStage()
		w := New(map[Store]Source{Consul: first})
		w.Watch(key("a").ID())
		stop := run(t, w)
		w.Replace(map[Store]Source{Consul: nil})
		w.Replace(map[Store]Source{Consul: second})
		synctest.Wait()
		second.is(t, "")
		time.Sleep(1500 * time.Millisecond)
		first.is(t, "ended")
		second.is(t, "runs")
		stop()
	})
}

// What replaces a source that nobody asks any more does not run, such as to log in, until
// somebody asks it.
func TestReplaceWithoutQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newStage(), newStage()
		w := New(map[Store]Source{Vault: first})
		secret := Query{Kind: VaultRead, Name: "s"}.ID()
		w.Watch(secret)
		stop := run(t, w)
		w.Unwatch(secret)
		w.Replace(map[Store]Source{Vault: second})
		time.Sleep(time.Hour)
		first.is(t, "ended")
		second.is(t, "")
		w.Watch(secret)
		synctest.Wait()
		second.is(t, "runs")
		stop()
	})
}

func TestReplaceBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := newStage(), newStage()
		w := New(map[Store]Source{Consul: old})
		w.Watch(key("a").ID())
		w.Replace(map[Store]Source{Consul: next})
		next.sink(t, key("a"))
		stop := run(t, w)
		old.is(t, "")
		next.is(t, "runs")
		stop()
	})
}

// A failure is the old source's word until the new one has spoken, and does not
// count as one of its attempts.
func TestReplaceAndFailures(t *testing.T) {
	old, next := newStage(), newStage()
	w := New(map[Store]Source{Consul: old})
	w.Watch(key("a").ID(), key("b").ID())
	for range 3 {
		old.sink(t, key("a")).Fail(errors.New("refused"))
		old.sink(t, key("b")).Fail(errors.New("refused"))
	}
	take(w)
	w.Replace(map[Store]Source{Consul: next})
	if got := take(w); len(got) != 0 {
		t.Errorf("told at once: %v", got)
	}
	next.sink(t, key("a")).Fail(errors.New("refused there, too"))
	next.sink(t, key("b")).Publish(Answer{Data: nil})
	got := take(w)
	if f := got[key("a")].Failure; f == nil || f.Attempts != 1 || f.Err.Error() != "refused there, too" {
		t.Errorf("a has failed %+v, want its first attempt", f)
	}
	if st := got[key("b")]; st.Failure != nil || !st.Known {
		t.Errorf("b is %+v, want an answer and no failure", st)
	}
}

// A store that had no source gets one.
func TestReplaceNothing(t *testing.T) {
	next := newStage()
	w := New(nil)
	w.Watch(key("a").ID())
	if f := take(w)[key("a")].Failure; f == nil || !errors.Is(f.Err, ErrNotConfigured) || w.Serves(Consul) {
		t.Fatalf("before: %+v", f)
	}
	w.Replace(map[Store]Source{Consul: next})
	if st, told := take(w)[key("a")]; !told || st.Failure != nil || !w.Serves(Consul) {
		t.Errorf("after: %+v (told: %v)", st, told)
	}
	next.sink(t, key("a")).Publish(Answer{Data: "1"})
	if st := take(w)[key("a")]; st.Answer.Data != "1" {
		t.Errorf("after an answer: %+v", st)
	}
}

// A source that is removed ends; its queries fail, and those of others go on.
func TestReplaceByNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other, eu := newStage(), newStage()
		w := New(map[Store]Source{Consul: other, Consul.In("eu"): eu})
		stop := run(t, w)
		inEU := key("a")
		inEU.Cluster = "eu"
		w.Watch(key("a").ID(), inEU.ID())
		other.sink(t, key("a")).Publish(Answer{Data: "1"})
		eu.sink(t, inEU).Publish(Answer{Data: "2"})
		take(w)
		w.Replace(map[Store]Source{Consul.In("eu"): nil})
		time.Sleep(2 * time.Second)
		other.is(t, "runs")
		eu.is(t, "ended")
		got := take(w)
		if f := got[inEU].Failure; len(got) != 1 || f == nil || !errors.Is(f.Err, ErrNotConfigured) || w.Serves(Consul.In("eu")) {
			t.Errorf("after: %v", got)
		}
		stop()
	})
}

// A source hears of all queries at once, and of none where there are none.
func TestReplaceBatches(t *testing.T) {
	w := New(map[Store]Source{Consul: newStage()})
	none := newFake()
	w.Replace(map[Store]Source{Consul: none})
	w.Watch(key("a").ID(), key("b").ID(), key("c").ID())
	next := newFake()
	w.Replace(map[Store]Source{Consul: next})
	for _, s := range []*fakeSource{none, next} {
		if len(s.watched) != 1 || len(s.watched[0]) != 3 {
			t.Errorf("calls of Watch: %v, want one of 3 queries", s.watched)
		}
	}
}

// While one goroutine watches and unwatches, another replaces: no query is lost
// to a source that is no more.
func TestReplaceDuringWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		last := newStage()
		w := New(map[Store]Source{Consul: last})
		stop := run(t, w)
		var replacing sync.WaitGroup
		replacing.Go(func() {
			for range 50 {
				last = newStage()
				w.Replace(map[Store]Source{Consul: last})
			}
		})
		for i := range 500 {
			w.Watch(key(fmt.Sprint(i)).ID())
			if i%2 == 1 {
				w.Unwatch(key(fmt.Sprint(i)).ID())
			}
		}
		replacing.Wait()
		for i := range 500 {
			if asked := last.sinks[key(fmt.Sprint(i))] != nil; asked != (i%2 == 0) {
				t.Errorf("query %d: the last source was asked: %v", i, asked)
			}
		}
		stop()
	})
}
