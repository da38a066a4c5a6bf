package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/runner/bundle/group"
	"restencil/runner/status/model"
	"restencil/watch"
)

// reload reloads with these templates and waits until all is quiet.
func (g *rig) reload(templates ...Template) {
	g.t.Helper()
	g.reloadWith(Options{Templates: templates}, nil)
}

// reloadOptions is reload for more than templates.
func (g *rig) reloadOptions(o Options) {
	g.t.Helper()
	g.reloadWith(o, nil)
}

// reloadWith is reloadOptions with other sources.
func (g *rig) reloadWith(o Options, sources map[watch.Store]watch.Source) {
	g.t.Helper()
	if err := g.runner.Reload(g.t.Context(), g.options(o), sources); err != nil {
		g.t.Fatal(err)
	}
	synctest.Wait()
}

func TestReloadOfTheSameDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		templates := func() []Template {
			return []Template{tmpl("a", `{{ key "x" }}`, "reload"), tmpl("b", `{{ key "gone" }}`)}
		}
		g := newRig(t, Options{Templates: templates()}, map[string]any{"x": 1, "gone": nil})
		defer g.stop()
		g.happened("0s rendered a", "0s run reload")
		watches := g.store.watches
		sleep(time.Second)
		for range 100 {
			g.reload(templates()...)
		}
		if g.store.watches != watches {
			t.Errorf("%d new watches", g.store.watches-watches)
		}
		sleep(1500 * time.Millisecond)
		g.happened("1.5s waiting b b:1:4: kv.get(gone): it does not exist") // its time goes on
		g.store.set("x", 2)
		synctest.Wait()
		g.happened("2.5s rendered a", "2.5s run reload")
	})
}

// A query that a changed template uses as before is watched all the time: it keeps its
// answer, and the status does not say that there is none.
func TestReloadKeepsTheAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`), tmpl("b", `{{ key "y" }}`)}}, map[string]any{"x": 1, "y": 1})
		defer g.stop()
		m := model.New(time.Now())
		current := func(want int) {
			t.Helper()
			g.mu.Lock()
			for _, e := range g.all {
				m.Apply(time.Now(), e)
			}
			g.all = nil
			g.mu.Unlock()
			got := 0
			for _, q := range m.Snapshot(time.Now(), nil).Queries {
				if q.State == "current" {
					got++
				}
			}
			if got != want {
				t.Errorf("%d queries are current, want %d: %+v", got, want, m.Snapshot(time.Now(), nil).Queries)
			}
		}
		current(2)
		g.reload(tmpl("a", `new text, {{ key "x" }}`), tmpl("b", `{{ key "y" }}`))
		current(2)
		g.reload(tmpl("a", `{{ key "y" }}`), tmpl("b", `{{ key "x" }}`))
		current(2)
		g.reload(tmpl("a", `{{ key "y" }}`))
		current(1)
	})
}

func TestReloadAppliesTheDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{
			tmpl("same", `{{ key "x" }}`, "reload same"),
			tmpl("changed", `{{ key "y" }}`, "reload changed"),
			tmpl("removed", `{{ key "z" }}`, "reload removed"),
		}}, map[string]any{"x": 1, "y": 1, "z": 1})
		defer g.stop()
		g.events = nil
		g.reload(
			tmpl("new", `{{ key "x" }}`),
			tmpl("changed", `new text, {{ key "y" }}`, "reload changed"),
			tmpl("same", `{{ key "x" }}`, "reload same"),
		)
		g.happened("0s rendered new", "0s rendered changed", "0s run reload changed")
		if g.store.watched("z") {
			t.Error("what only the removed template asked is still watched")
		}
		g.store.set("x", 2)
		synctest.Wait()
		g.happened("0s rendered new", "0s rendered same", "0s run reload same")
		g.holds("removed", "1")
	})
}

func TestReloadOfSomethingBrokenChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		defer g.stop()
		bad := g.options(Options{Templates: []Template{tmpl("a", `{{ key "x" }`)}})
		if err := g.runner.Reload(t.Context(), bad, nil); err == nil {
			t.Error("no error for a template that does not parse")
		}
		g.store.set("x", 2)
		synctest.Wait()
		g.holds("a", "2")
	})
}

// A change that waits for its time, and a command that failed, outlive a
// reload.
func TestReloadKeepsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := tmpl("a", `{{ key "x" }}`, "reload")
		a.Wait = Wait{Min: time.Second, Max: 3 * time.Second}
		g := newRig(t, Options{Templates: []Template{a}}, map[string]any{"x": 0})
		defer g.stop()
		g.happened("0s rendered a", "0s run reload")
		g.store.set("x", 1)
		sleep(500 * time.Millisecond)
		g.reload(a)
		sleep(time.Minute)
		g.happened("1s rendered a", "1s run reload")
	})
}

// Another source is asked what is of use from now on, and until it answers
// nothing is blanked. The old one hears nothing more.
func TestReloadWithAnotherSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{
			tmpl("a", `{{ key "x" }}`, "reload"), tmpl("b", `{{ key "y" }}`), tmpl("gone", `{{ key "z" }}`),
		}}, map[string]any{"x": 1, "y": 1, "z": 1})
		defer g.stop()
		g.happened("0s rendered a", "0s rendered b", "0s rendered gone", "0s run reload")
		old := g.store
		g.store = &fakeStore{data: map[string]any{"x": 1}, sinks: make(map[watch.Query]watch.Sink)}
		g.reloadWith(Options{Templates: []Template{
			tmpl("a", `{{ key "x" }}`, "reload"), tmpl("b", `new {{ key "y" }}`), tmpl("c", `{{ key "w" }}`),
		}}, map[watch.Store]watch.Source{watch.Consul: g.store})
		g.happened("0s rendered b") // with the answer that was there
		g.holds("b", "new 1")
		if !old.ended {
			t.Error("the old source still runs")
		}
		if old.watches != 3 || g.store.watches != 3 || g.store.watched("z") {
			t.Errorf("the old source was asked %d times, the new one %d (z: %v), want 3 each, and not for z",
				old.watches, g.store.watches, g.store.watched("z"))
		}
		g.store.set("y", 2)
		g.store.set("w", 1)
		synctest.Wait()
		g.holds("b", "new 2")
		g.holds("c", "1")
		old.set("x", 3)
		synctest.Wait()
		g.holds("a", "1")
	})
}

// The old source keeps its place where the new configuration is of no use.
func TestReloadOfSomethingBrokenKeepsTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		defer g.stop()
		other := &fakeStore{data: map[string]any{"x": 5}, sinks: make(map[watch.Query]watch.Sink)}
		bad := g.options(Options{Templates: []Template{tmpl("a", `{{ key "x" }`)}})
		if err := g.runner.Reload(t.Context(), bad, map[watch.Store]watch.Source{watch.Consul: other}); err == nil {
			t.Error("no error for a template that does not parse")
		}
		g.store.set("x", 2)
		synctest.Wait()
		g.holds("a", "2")
		if other.watches != 0 || g.store.ended {
			t.Errorf("the new source was asked %d times, the old one ended: %v", other.watches, g.store.ended)
		}
	})
}

// What a template has under way that is no more ends with it.
func TestReloadEndsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{
			tmpl("fails", `{{ key "x" }}`, "fail"),
			tmpl("bad", `{{ key "x" | parseInt }}{{ key "y" }}`),
			tmpl("waits", `{{ key "gone" }}`),
		}}, map[string]any{"x": nil, "y": 1, "gone": nil})
		defer g.stop()
		g.run = func(Command) (string, error) { time.Sleep(time.Millisecond); return "", errors.New("no") }
		g.store.set("x", "one")
		sleep(time.Minute)
		g.events = nil
		g.reload()
		sleep(time.Hour)
		g.happened()
		if len(g.store.sinks) != 0 {
			t.Errorf("still watched: %v", g.store.sinks)
		}
	})
}

// A command that runs while its template goes away is not tried again.
func TestReloadWhileTheCommandRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`, "fail")}}, map[string]any{"x": nil})
		defer g.stop()
		g.run = func(Command) (string, error) { time.Sleep(time.Second); return "", errors.New("no") }
		g.store.set("x", "one")
		synctest.Wait()
		g.happened("0s rendered a", "0s run fail")
		g.reload()
		sleep(time.Hour)
		g.happened("1s CommandFailed")
	})
}

// A command, template or wait that changes while the command runs: the old one ends,
// what has changed meanwhile is heeded, and two never run at a time.
func TestReloadOfWhatRuns(t *testing.T) {
	waits := tmpl("a", `{{ key "x" }}`, "reload")
	waits.Wait = Wait{Min: time.Second, Max: 2 * time.Second}
	for name, next := range map[string]Template{
		"command":  tmpl("a", `{{ key "x" }}`, "other"),
		"template": tmpl("a", `new {{ key "x" }}`, "reload"),
		"wait":     waits,
	} {
		for _, exit := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					j := openJournal(t, t.TempDir())
					defer j.Close()
					o := Options{State: State{Journal: j}, ExitOnFailure: exit, Templates: []Template{tmpl("a", `{{ key "x" }}`, "reload"), tmpl("b", `{{ key "y" }}`, "reload")}}
					g := newRig(t, o, map[string]any{"x": nil, "y": 1})
					defer g.stop()
					var running, most atomic.Int64
					g.run = func(Command) (string, error) {
						most.Store(max(most.Load(), running.Add(1)))
						time.Sleep(10 * time.Second)
						running.Add(-1)
						return "", nil
					}
					g.store.set("x", 1)
					sleep(time.Second)
					o.Templates = []Template{next, tmpl("b", `{{ key "y" }}`, "reload")}
					g.reloadOptions(o)
					g.store.set("x", 2)
					sleep(5 * time.Minute)
					want := "2"
					if name == "template" {
						want = "new 2"
					}
					g.holds("a", want)
					if running.Load() != 0 || most.Load() != 1 || g.runs.Load() > 4 {
						t.Errorf("%d run, %d at a time at most, %d in all", running.Load(), most.Load(), g.runs.Load())
					}
					for _, s := range g.runner.bundles.list {
						if st, err := j.State(s.spec.Key()); err != nil || st.Owed() {
							t.Errorf("%+v, %v", st, err)
						}
					}
				})
			})
		}
	}
}

// A bundle that one reload removes and a later one brings back waits for what it was
// doing when it was removed: older files do not go in place after newer ones.
func TestReloadBringsBackWhatStillRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := group.Spec{Name: "web", Check: Command{Args: []string{"check"}}}
		a, other := tmpl("a", `{{ key "x" }}`), tmpl("other", `{{ key "y" }}`)
		a.Bundle = "web"
		with := Options{Bundles: []group.Spec{web}, Templates: []Template{a, other}}
		g := newRig(t, with, map[string]any{"x": nil, "y": 1})
		defer g.stop()
		var checks atomic.Int64
		g.run = func(Command) (string, error) {
			if checks.Add(1) == 1 {
				time.Sleep(10 * time.Second)
			}
			return "", nil
		}
		g.store.set("x", 1)
		sleep(time.Second)
		g.reload(other)
		g.reloadOptions(with)
		g.store.set("x", 2)
		sleep(time.Minute)
		g.holds("a", "2")
	})
}

// A command takes over what others owed for its files, without a journal, too.
func TestReloadJoinsWhatIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := `{{ key "x" }}`, `{{ key "y" }}`
		g := newRig(t, Options{Templates: []Template{tmpl("a", a, "fail"), tmpl("b", b, "good")}}, map[string]any{"x": nil, "y": 1})
		defer g.stop()
		g.run = func(c Command) (string, error) {
			if c.Args[0] == "fail" {
				return "", errors.New("no")
			}
			return "", nil
		}
		g.store.set("x", 1)
		synctest.Wait()
		g.events = nil
		g.reload(tmpl("a", a, "good"), tmpl("b", b, "good"))
		g.happened("0s rendered a", "0s rendered b", "0s run good")
	})
}

// A bundle that is gone for a while owes what it owed when it comes back, whoever has
// the same command meanwhile.
func TestReloadBringsBackWhatIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir())
		defer j.Close()
		a, b := tmpl("a", `{{ key "x" }}`), tmpl("b", `{{ key "y" }}`, "reload")
		a.Bundle = "web"
		with := Options{State: State{Journal: j}, Bundles: []Bundle{{Name: "web", Reload: cmd("reload")}}, Templates: []Template{a, b}}
		g := newRig(t, with, map[string]any{"x": 1, "y": 1})
		defer g.stop()
		fails := errors.New("no")
		g.run = func(Command) (string, error) { return "", fails }
		g.store.set("x", 2)
		sleep(100 * time.Millisecond)
		b.Perm = 0o600
		g.reloadOptions(Options{State: with.State, Templates: []Template{b}})
		fails = nil
		sleep(time.Minute)
		runs := g.runs.Load()
		g.reloadOptions(with)
		sleep(time.Minute)
		if n := g.runs.Load() - runs; n != 1 {
			t.Errorf("%d runs, want the one that is owed", n)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.events = nil
	})
}

// Reloading for ever costs nothing that stays.
func TestThousandReloadsLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{}, map[string]any{"x": 1})
		defer g.stop()
		reload := func(i int) {
			g.reload(tmpl("same", `{{ key "x" }}`), tmpl("other", fmt.Sprintf(`%d {{ key "x" }} {{ key "gone%d" }}`, i, i)))
		}
		reload(0)
		goroutines, memory := runtime.NumGoroutine(), heapInUse()
		for i := range 1000 {
			reload(i)
		}
		if n := runtime.NumGoroutine(); n > goroutines+runtime.GOMAXPROCS(0) { // more workers of the pool
			t.Errorf("%d goroutines, %d before", n, goroutines)
		}
		g.mu.Lock()
		g.all, g.events = nil, nil // which are the test's own
		g.mu.Unlock()
		if after := heapInUse(); after > memory+1<<20 {
			t.Errorf("%d bytes of heap, %d before", after, memory)
		}
		if n := len(g.store.sinks); n != 2 {
			t.Errorf("%d queries are watched, want 2", n)
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.events = nil
	})
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// latches returns a LookupEnv that waits for the latch of a variable, where it has
// one, and a function that opens a latch.
func latches(names ...string) (lookupEnv func(string) (string, bool), open func(string)) {
	of := make(map[string]chan struct{})
	for _, name := range names {
		of[name] = make(chan struct{})
	}
	lookupEnv = func(name string) (string, bool) {
		if latch := of[name]; latch != nil {
			<-latch
		}
		return "", true
	}
	return lookupEnv, func(name string) { close(of[name]); synctest.Wait() }
}

// An execution that began before a reload and ends after it says nothing about
// what the new templates ask: that stays watched, by the old source, until they
// have been executed.
func TestReloadWhileATemplateIsExecuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lookupEnv, open := latches("OLD", "NEW")
		slow := tmpl("slow", `{{ if keyExists "more" }}{{ env "OLD" }}{{ key "v" }}{{ end }}`)
		g := newRig(t, Options{LookupEnv: lookupEnv, Templates: []Template{slow, tmpl("a", `{{ key "x" }}`), tmpl("gone", `{{ key "z" }}`)}},
			map[string]any{"x": 1, "z": 1, "more": nil, "v": 1})
		defer g.stop()
		g.store.set("more", 1)
		synctest.Wait() // slow is being executed
		old, watches := g.store, g.store.watches
		g.store = &fakeStore{data: map[string]any{"x": 2, "y": 2, "more": 2, "v": 2}, sinks: make(map[watch.Query]watch.Sink)}
		g.reloadWith(Options{LookupEnv: lookupEnv, Templates: []Template{slow, tmpl("a", `{{ env "NEW" }}{{ key "x" }}{{ key "y" }}`)}},
			map[watch.Store]watch.Source{watch.Consul: g.store})
		open("OLD")
		sleep(time.Second)
		if g.store.watches > 0 || old.ended {
			t.Errorf("the new source was asked %d times before it is known what to ask it; the old one ended: %v", g.store.watches, old.ended)
		}
		if !old.watched("x") || old.watches != watches {
			t.Errorf("x is watched: %v; the old source was asked %d times more", old.watched("x"), old.watches-watches)
		}
		open("NEW")
		sleep(time.Second)
		g.holds("a", "22")
		g.holds("slow", "2")
		if !old.ended || old.watches != watches || g.store.watches != 4 || g.store.watched("z") {
			t.Errorf("the old source ended: %v, and was asked %d times more; the new one was asked %d times, want 4 (z: %v)",
				old.ended, old.watches-watches, g.store.watches, g.store.watched("z"))
		}
	})
}

// A reload that follows another before that has come into force takes nothing
// of it back.
func TestReloadBeforeTheLastOneIsInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lookupEnv, open := latches("NEW")
		o := func(text string) Options {
			return Options{LookupEnv: lookupEnv, Templates: []Template{tmpl("a", text)}}
		}
		g := newRig(t, o(`{{ key "x" }}`), map[string]any{"x": 1})
		defer g.stop()
		old := g.store
		g.store = &fakeStore{data: map[string]any{"x": 2}, sinks: make(map[watch.Query]watch.Sink)}
		g.reloadWith(o(`new {{ env "NEW" }}{{ key "x" }}`), map[watch.Store]watch.Source{watch.Consul: g.store})
		g.reloadOptions(o(`newer {{ key "x" }}`))
		open("NEW")
		sleep(time.Second)
		if !old.ended {
			t.Error("the source of the first reload is not in force")
		}
		g.holds("a", "newer 2")
	})
}

// What a reload says about the state counts for the bundles that go on, too.
func TestReloadOfState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir())
		defer j.Close()
		options := func(s State) Options {
			s.Journal = j
			return Options{State: s, Bundles: []Bundle{{Name: "b"}}, Templates: members([]Template{tmpl("one", appPassword)})}
		}
		g := newRig(t, options(State{}), nil)
		defer g.stop()
		g.vault.set("app", password("first"))
		sleep(time.Minute)
		g.reloadOptions(options(State{KeepSecrets: true, Reconcile: time.Minute}))
		g.vault.set("app", password("second"))
		sleep(time.Second)
		gen, err := j.Generation("b", 2)
		if err != nil {
			t.Fatal(err)
		}
		if f := gen.Files[0]; f.Secret || string(f.Content) != "second" {
			t.Errorf("the history has %q, secret %v; want the content", f.Content, f.Secret)
		}
		if err := os.Remove(filepath.Join(g.dir, "one")); err != nil {
			t.Fatal(err)
		}
		sleep(time.Minute)
		g.holds("one", "second")
		g.reloadOptions(options(State{}))
		if err := os.Remove(filepath.Join(g.dir, "one")); err != nil {
			t.Fatal(err)
		}
		sleep(time.Hour)
		if _, err := os.Stat(filepath.Join(g.dir, "one")); err == nil {
			t.Error("the destination was looked at after a reload that says not to")
		}
	})
}

// A reload may bring the first bundle, and with it a journal.
func TestReloadBringsJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir())
		defer j.Close()
		g := newRig(t, Options{Templates: []Template{tmpl("one", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		defer g.stop()
		g.reloadOptions(Options{
			State: State{Journal: j}, Bundles: []Bundle{{Name: "b"}}, Templates: members([]Template{tmpl("one", `{{ key "x" }}`)}),
		})
		g.store.set("x", 2)
		sleep(time.Second)
		if st, err := j.State("b"); err != nil || st.Applied == "" {
			t.Errorf("the journal has %+v, %v", st, err)
		}
	})
}

// A template with another text knows that its destination is right when it is, though
// the bundle has had it right before.
func TestReloadOfATextIsRendered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", "one"), tmpl("b", "two")}}, nil)
		defer g.stop()
		g.reload(tmpl("a", "{{ `one` }}"), tmpl("b", "three"))
		g.holds("b", "three")
		if !g.runner.templates.Rendered() {
			t.Error("not all are rendered")
		}
	})
}
