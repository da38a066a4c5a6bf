package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/template"
	"restencil/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeStore is a Source with keys that the test sets.
type fakeStore struct {
	mu    sync.Mutex
	data  map[string]any // nil: it does not exist
	sinks map[watch.Query]watch.Sink

	watches int      // how many queries it was asked to watch
	calls   []string // of Watch and Unwatch
	ended   bool
}

func (s *fakeStore) Run(ctx context.Context) {
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

func (s *fakeStore) Watch(list ...watch.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := "watch"
	for _, sub := range list {
		q := sub.ID.Value()
		call += " " + q.Name
		s.watches++
		s.sinks[q] = sub.Sink
		if v, ok := s.data[q.Name]; ok {
			sub.Sink.Publish(answer(q, v))
		}
	}
	s.calls = append(s.calls, call)
}

func (s *fakeStore) Unwatch(ids ...watch.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := "unwatch"
	for _, id := range ids {
		call += " " + id.Value().Name
		delete(s.sinks, id.Value())
	}
	s.calls = append(s.calls, call)
}

// set gives a key a value; nil says that it does not exist.
func (s *fakeStore) set(name string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[name] = value
	for q, sink := range s.sinks {
		if q.Name == name {
			sink.Publish(answer(q, value))
		}
	}
}

func (s *fakeStore) fail(name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for q, sink := range s.sinks {
		if q.Name == name {
			sink.Fail(err)
		}
	}
}

func (s *fakeStore) watched(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.sinks[watch.Query{Kind: watch.KVGet, Name: name}]
	return ok
}

// partial is a value of which the store says that something is left out.
type partial string

func answer(q watch.Query, value any) watch.Answer {
	if value == nil {
		return watch.Answer{}
	}
	if list, ok := value.([]*watch.HealthService); ok {
		return watch.Answer{Data: list}
	}
	if p, ok := value.(partial); ok {
		a := answer(q, string(p))
		a.Partial = "some is left out"
		return a
	}
	return watch.Answer{Data: &watch.KeyPair{Path: q.Name, Key: q.Name, Value: fmt.Sprint(value)}}
}

// A rig is a runner in a bubble of fake time.
type rig struct {
	t      *testing.T
	dir    string
	store  *fakeStore
	vault  *fakeVault
	start  time.Time
	mu     sync.Mutex
	events []string      // what happened, with the time since the start
	all    []event.Event // every event
	runs   atomic.Int64  // of commands
	run    func(Command) (string, error)
	spawn  func(args, env []string) (process.Process, error)
	done   chan error
	cancel context.CancelFunc

	runner  *Runner
	watcher *watch.Watcher
}

// newRig starts a runner of these templates. A template's name is its
// destination; its text is the spec's.
func newRig(t *testing.T, o Options, store map[string]any) *rig {
	t.Helper()
	return newRigWith(t, o, store, func(*rig) {})
}

// newRigWith is newRig with something to be done before the runner runs.
func newRigWith(t *testing.T, o Options, store map[string]any, prepare func(*rig)) *rig {
	t.Helper()
	return newRigAt(t, t.TempDir(), o, store, prepare)
}

// newRigAt is newRigWith for destinations in this directory.
func newRigAt(t *testing.T, dir string, o Options, store map[string]any, prepare func(*rig)) *rig {
	t.Helper()
	g := &rig{
		t: t, dir: dir, start: time.Now(), done: make(chan error, 1),
		store: &fakeStore{data: store, sinks: make(map[watch.Query]watch.Sink)},
		vault: &fakeVault{data: make(map[string]any), sinks: make(map[watch.Query]watch.Sink)},
		run:   func(Command) (string, error) { return "", nil },
	}
	g.watcher = watch.New(map[watch.Store]watch.Source{watch.Consul: g.store, watch.Vault: g.vault})
	o.System = fakeSystem{g}
	r, err := New(g.options(o), g.watcher)
	if err != nil {
		t.Fatal(err)
	}
	g.runner = r
	prepare(g)
	ctx, cancel := context.WithCancel(t.Context())
	g.cancel = cancel
	go func() { g.done <- r.Run(ctx) }()
	synctest.Wait()
	return g
}

// A fakeSystem runs the commands and the children of a rig.
type fakeSystem struct{ rig *rig }

func (s fakeSystem) Run(_ context.Context, c Command) (string, error) {
	s.rig.runs.Add(1)
	return s.rig.run(c)
}

func (s fakeSystem) Spawn(args, env []string) (process.Process, error) {
	return s.rig.spawn(args, env)
}

func (fakeSystem) CanOverlay() error { return nil }

// options fills in where the templates go and who hears of events.
func (g *rig) options(o Options) Options {
	for i := range o.Templates {
		element := "{{ . }}"
		if t := o.Templates[i]; strings.HasPrefix(t.Destination, "{{") {
			element = t.Destination
		}
		o.Templates[i].Destination = filepath.Join(g.dir, o.Templates[i].Name)
		if o.Templates[i].ForEach != "" {
			o.Templates[i].Destination += "/" + element
		}
	}
	o.Events = g.event
	return o
}

func (g *rig) event(e event.Event) {
	switch e.(type) {
	case event.Planned, event.Settling, event.Stepping: // see package status
		return
	}
	g.mu.Lock()
	g.all = append(g.all, e)
	g.mu.Unlock()
	var text string
	switch e := e.(type) {
	case event.Rendered:
		text = "rendered " + e.Template
	case event.Waiting:
		text = "waiting " + e.Template
		for _, m := range e.For {
			text += fmt.Sprintf(" %s: %s: %s", m.At, m.Query, m.Reason)
		}
	case event.CommandStarted:
		text = "run " + strings.Join(e.Args, " ")
	case event.CommandDone, event.Loaded, event.Ready, event.Alive, event.Updated, event.Watched, event.Executed, event.CommandEnded: // see heartbeat_test.go
		return
	default:
		if f, ok := e.(event.Failed); ok && f.Again {
			return
		}
		text = strings.TrimPrefix(fmt.Sprintf("%T", e), "event.")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = append(g.events, fmt.Sprintf("%v %s", time.Since(g.start), text))
}

// stop ends the runner and wants no error.
func (g *rig) stop() {
	g.t.Helper()
	g.cancel()
	if err := <-g.done; err != nil {
		g.t.Errorf("Run: %v", err)
	}
}

// happened wants just these events since the last call. In which order things
// happen to several bundles at one time is not said.
func (g *rig) happened(want ...string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if got, want := inOrder(g.events), inOrder(want); got != want {
		g.t.Errorf("events:\n%s\nwant:\n%s", got, want)
	}
	g.events = nil
}

// inOrder returns events, a line each, with those of one time sorted.
func inOrder(events []string) string {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b string) int {
		atA, whatA, _ := strings.Cut(a, " ")
		atB, whatB, _ := strings.Cut(b, " ")
		if atA != atB {
			return 0
		}
		return strings.Compare(whatA, whatB)
	})
	return strings.Join(events, "\n")
}

// ran wants just these commands to have run since the last call, in this order.
func (g *rig) ran(want ...string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	var got []string
	for _, e := range g.events {
		if at, what, ok := strings.Cut(e, " run "); ok {
			got = append(got, at+" "+what)
		}
	}
	if !slices.Equal(got, want) {
		g.t.Errorf("ran:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	g.events = nil
}

func (g *rig) holds(name, want string) {
	g.t.Helper()
	got, err := os.ReadFile(filepath.Join(g.dir, name))
	if want == "" && errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil || string(got) != want {
		g.t.Errorf("%s holds %q (%v), want %q", name, got, err, want)
	}
}

func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func tmpl(name, text string, command ...string) Template {
	return Template{
		Options: template.Options{Name: name, Text: text},
		Command: Command{Args: command, Timeout: time.Minute},
	}
}

func TestChangeReachesOnlyItsTemplates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{
			tmpl("a", `{{ key "x" }}`, "reload a"), tmpl("b", `{{ key "y" }}`, "reload b"),
		}}, map[string]any{"x": 1, "y": 1})
		defer g.stop()
		g.happened("0s rendered a", "0s rendered b", "0s run reload a", "0s run reload b")
		sleep(time.Second)
		g.store.set("y", 2)
		synctest.Wait()
		g.happened("1s rendered b", "1s run reload b")
		g.holds("b", "2")
		g.store.set("y", 2)
		sleep(time.Second)
		g.happened()
	})
}

func TestNestedQueriesAreFoundAndDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key (key "which") }}`)}},
			map[string]any{"which": "one", "one": 1, "two": 2})
		defer g.stop()
		g.holds("a", "1")
		g.store.set("which", "two")
		synctest.Wait()
		g.holds("a", "2")
		if g.store.watched("one") || !g.store.watched("two") {
			t.Error("the watches do not follow what the template asks")
		}
	})
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := tmpl("a", `{{ key "x" }}`, "reload")
		a.Wait = Wait{Min: time.Second, Max: 3 * time.Second}
		g := newRig(t, Options{Templates: []Template{a}}, map[string]any{"x": 0})
		defer g.stop()
		g.happened("0s rendered a", "0s run reload") // the first is not delayed
		for i := 1; i <= 8; i++ {
			g.store.set("x", i)
			sleep(500 * time.Millisecond)
		}
		g.happened("3s rendered a", "3s run reload")
		g.holds("a", "6")
		sleep(time.Minute)
		g.happened("4.5s rendered a", "4.5s run reload")
		g.holds("a", "8")
	})
}

func TestWaitForgetsAChangeThatWasTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := tmpl("a", `{{ key "x" }}`, "reload")
		a.Wait = Wait{Min: time.Second, Max: 3 * time.Second}
		g := newRig(t, Options{Templates: []Template{a}}, map[string]any{"x": 0})
		defer g.stop()
		g.happened("0s rendered a", "0s run reload")
		g.store.set("x", 1)
		sleep(100 * time.Millisecond)
		g.store.set("x", 0)
		sleep(time.Minute)
		g.happened()
	})
}

// Templates that share a command share its run, at a start too, where their
// data does not come at once.
func TestSharedCommandRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{
			tmpl("a", `{{ key "x" }}`, "reload"), tmpl("b", `{{ key "y" }}`, "reload"), tmpl("c", `{{ key "gone" }}`, "reload"),
		}}, map[string]any{"x": 1, "gone": nil})
		defer g.stop()
		g.happened("0s rendered a") // b's answer is on its way, c's key does not exist
		sleep(300 * time.Millisecond)
		g.store.set("y", 1)
		synctest.Wait()
		g.happened("300ms rendered b", "300ms run reload")
		g.store.set("y", 2)
		synctest.Wait()
		g.happened("300ms rendered b", "300ms run reload")
	})
}

func TestSharedCommandDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{
			tmpl("a", `{{ key "x" }}`, "reload"), tmpl("b", `{{ key "silent" }}`, "reload"),
		}}, map[string]any{"x": 1})
		defer g.stop()
		sleep(1200 * time.Millisecond)
		g.happened("0s rendered a", "1s run reload")
	})
}

// While a command runs its file goes on to follow the data; what changes meanwhile
// is worth one more run.
func TestChangesDuringACommandCollapse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`, "slow")}}, map[string]any{"x": nil})
		defer g.stop()
		g.run = func(Command) (string, error) { time.Sleep(10 * time.Second); return "", nil }
		for i := range 5 {
			g.store.set("x", i)
			sleep(time.Second)
		}
		g.holds("a", "4")
		sleep(time.Minute)
		if g.runs.Load() != 2 {
			t.Errorf("the command ran %d times for 5 changes during its first run, want 2", g.runs.Load())
		}
	})
}

func TestFailedCommandIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`, "reload")}}, map[string]any{"x": nil})
		defer g.stop()
		var good atomic.Bool
		g.run = func(Command) (string, error) {
			if !good.Load() {
				return "output", errors.New("no")
			}
			return "", nil
		}
		g.store.set("x", 1)
		sleep(10 * time.Second)
		n := g.runs.Load()
		if n < 3 || n > 100 {
			t.Errorf("%d runs in 10 s of failure", n)
		}
		sleep(time.Hour)
		if slow := g.runs.Load() - n; slow < 60 || slow > 1000 {
			t.Errorf("%d runs in an hour of failure, want backoff up to a minute", slow)
		}
		good.Store(true)
		sleep(2 * time.Minute)
		n = g.runs.Load()
		sleep(time.Hour)
		if g.runs.Load() != n {
			t.Error("the command ran again after it had succeeded")
		}
	})
}

func TestReportsWhatItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", "one\n{{ key \"gone\" }}")}}, map[string]any{"gone": nil})
		defer g.stop()
		const line = "waiting a a:2:4: kv.get(gone): it does not exist"
		sleep(2 * time.Second)
		g.happened("1.5s " + line)
		sleep(10 * time.Minute)
		g.happened("10s "+line, "1m0s "+line, "5m0s "+line)
		g.store.set("gone", 1)
		sleep(time.Hour)
		g.happened("10m2s Recovered", "10m2s rendered a")
	})
}

func TestOneBadTemplateHurtsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{
			tmpl("bad", `{{ key "x" | parseInt }}`), tmpl("good", `{{ key "x" }}`),
		}}, map[string]any{"x": 1})
		defer g.stop()
		g.happened("0s rendered bad", "0s rendered good")
		g.store.set("x", "one")
		synctest.Wait()
		g.happened("0s Failed", "0s rendered good")
		g.holds("bad", "1")
		sleep(time.Hour)
		g.happened() // told once
		g.store.set("x", 2)
		synctest.Wait()
		g.happened("1h0m0s Recovered", "1h0m0s rendered bad", "1h0m0s rendered good")
		g.holds("bad", "2")
	})
}

func TestErrorFatal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := tmpl("bad", `{{ key "x" | parseInt }}`)
		bad.OnError = ErrorFatal
		g := newRig(t, Options{Templates: []Template{bad}}, map[string]any{"x": "one"})
		if err := <-g.done; err == nil || !strings.Contains(err.Error(), "parseInt") {
			t.Errorf("Run: %v, want the template's error", err)
		}
	})
}

func TestUnwritableDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("below/a", `{{ key "x" }}`)}}, map[string]any{"x": nil})
		defer g.stop()
		block := filepath.Join(g.dir, "below")
		if err := os.WriteFile(block, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		g.store.set("x", 1)
		synctest.Wait()
		g.happened("0s Failed")
		if err := os.Remove(block); err != nil {
			t.Fatal(err)
		}
		sleep(time.Minute)
		g.holds("below/a", "1")
	})
}

func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := tmpl("a", `{{ key "x" }}`, "reload")
		a.Wait = Wait{Min: time.Hour, Max: time.Hour}
		g := newRig(t, Options{Once: true, Templates: []Template{a, tmpl("b", `{{ key "y" }}`, "reload")}}, map[string]any{"x": 1})
		select {
		case <-g.done:
			t.Fatal("done without y")
		default:
		}
		g.store.set("y", 1)
		if err := <-g.done; err != nil {
			t.Errorf("Run: %v", err)
		}
		g.happened("0s rendered a", "0s rendered b", "0s run reload")
	})
}

func TestOnceWithAFailingCommand(t *testing.T) {
	for words, first := range map[Words]string{
		{}:                     "/a: command failed: no (the new files stay)\n",
		{ConsulTemplate: true}: "\t* failed to execute command \"[\\\"one\\\"]\" from \"a\"",
	} {
		synctest.Test(t, func(t *testing.T) { onceWithAFailingCommand(t, words, first) })
	}
}

func onceWithAFailingCommand(t *testing.T, words Words, first string) {
	g := newRig(t, Options{Words: words, Once: true, Templates: []Template{
		tmpl("a", `{{ key "x" }}`, "one"), tmpl("b", `{{ key "x" }}`, "two"),
	}}, map[string]any{})
	g.run = func(Command) (string, error) { return "", errors.New("no") }
	g.store.set("x", 1)
	err := <-g.done
	if err == nil || g.runs.Load() != 2 {
		t.Fatalf("Run: %v after %d commands, want an error after both", err, g.runs.Load())
	}
	if text := err.Error(); !strings.HasPrefix(text, "2 errors occurred:\n\t* ") || !strings.Contains(text, first) {
		t.Errorf("error:\n%v\nwant in it:\n%s", err, first)
	}
}

func TestAttemptsRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{
			Templates: []Template{tmpl("a", `{{ key "x" }}`)},
			Limits:    Limits{Attempts: map[watch.Store]int{watch.Consul: 2}},
		}, map[string]any{})
		for range 3 {
			g.store.fail("x", errors.New("connection refused"))
			synctest.Wait()
		}
		if err := <-g.done; err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("Run: %v, want the store's error", err)
		}
		g.happened("0s StoreAway")
	})
}

func TestStoreAwayAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		defer g.stop()
		g.happened("0s rendered a")
		for range 10 {
			g.store.fail("x", errors.New("connection refused"))
			sleep(time.Second)
		}
		g.holds("a", "1")
		g.store.set("x", 2)
		synctest.Wait()
		g.happened("0s StoreAway", "10s StoreBack", "10s rendered a")
	})
}

// What is done to a destination by hand is undone when its template is
// executed again.
func TestDestinationChangedByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := tmpl("a", `{{ with key "x" }}fixed{{ end }}`, "reload")
		a.Perm = 0o600
		g := newRig(t, Options{Templates: []Template{a}}, map[string]any{"x": 1})
		defer g.stop()
		g.happened("0s rendered a", "0s run reload")
		path := filepath.Join(g.dir, "a")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		g.store.set("x", 2)
		synctest.Wait()
		g.happened("0s rendered a", "0s run reload")
		g.holds("a", "fixed")
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		g.reload(a)
		g.happened("0s rendered a") // repaired: its command does not run
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("mode %v (%v), want it set right", info.Mode(), err)
		}
	})
}
