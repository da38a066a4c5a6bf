package runner

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

// called checks how the store was called since the last time.
func (s *fakeStore) called(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	s.calls = nil
}

// The store hears of what all the templates of a pass ask in one call, and of
// what they no longer ask in another.
func TestQueriesOfAPassComeTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		templates := make([]Template, 3)
		for i := range templates {
			text := fmt.Sprintf(`{{ if eq (key "which") "a" }}{{ key "a%d" }}{{ end }}{{ key "k%d" }}`, i, i)
			templates[i] = tmpl(fmt.Sprint("out", i), text)
		}
		g := newRig(t, Options{Templates: templates}, map[string]any{
			"which": "a", "a0": 0, "a1": 1, "a2": 2, "k0": 0, "k1": 1, "k2": 2,
		})
		defer g.stop()
		g.store.called(t, "watch which k0 k1 k2", "watch a0 a1 a2")
		g.holds("out1", "11")
		g.store.set("which", "b")
		synctest.Wait()
		g.store.called(t, "unwatch a0 a1 a2")
		g.holds("out1", "1")
	})
}

// What one template gives up and another takes up in the same pass is not asked
// anew.
func TestQueriesAreHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{
			tmpl("a", `{{ if eq (key "which") "a" }}{{ key "shared" }}{{ key "only" }}{{ end }}`),
			tmpl("b", `{{ if eq (key "which") "b" }}{{ key "shared" }}{{ key "other" }}{{ end }}`),
		}}, map[string]any{"which": "a", "shared": 1, "only": 2, "other": 3})
		defer g.stop()
		g.store.set("which", "b")
		synctest.Wait()
		g.store.called(t, "watch which", "watch shared only", "unwatch only", "watch other")
		g.holds("b", "13")
		g.store.set("which", "a")
		synctest.Wait()
		g.store.called(t, "unwatch other", "watch only")
		g.holds("a", "12")
		g.store.set("shared", 4)
		synctest.Wait()
		g.holds("a", "42")
	})
}

func TestReloadHandsQueriesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}{{ key "y" }}`)}}, map[string]any{"x": 1, "y": 2})
		defer g.stop()
		g.store.called(t, "watch x y")
		g.reload(tmpl("a", `new {{ key "x" }}`))
		g.holds("a", "new 1")
		g.store.called(t, "unwatch y")
		g.store.set("x", 2)
		synctest.Wait()
		g.holds("a", "new 2")
		g.reload()
		g.store.called(t, "unwatch x")
	})
}

// hold blocks the loop until do is done.
func (g *rig) hold(do func()) {
	stuck := make(chan struct{})
	g.runner.requests <- func() { <-stuck }
	do()
	close(stuck)
	synctest.Wait()
}

// However many changes come while the loop is busy, one pass is enough for
// them, and it has the last.
func TestStormWhileTheLoopIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var executions atomic.Int64
		g := newRig(t, counted(Options{Templates: []Template{tmpl("a", `{{ env "COUNT" }}{{ key "x" }}`)}}, &executions), map[string]any{"x": 0})
		defer g.stop()
		g.hold(func() {
			for i := range 10000 {
				g.store.set("x", i)
			}
		})
		if n := executions.Load(); n != 3 { // two at the start, one for all the others
			t.Errorf("%d executions, want 3", n)
		}
		g.holds("a", "9999")
	})
}

// Whatever happens in whatever order, in the end all files are as the store
// says.
func TestStormLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, writers = 20, 4
		var templates []Template
		data := make(map[string]any)
		for i := range keys {
			data[fmt.Sprint("which", i)], data[fmt.Sprint("key", i)] = i, "start"
			a := tmpl(fmt.Sprint("out", i), fmt.Sprintf(`{{ key (print "key" (key "which%d")) }}`, i), "reload")
			if i%3 == 0 {
				a.Wait = Wait{Min: 2 * time.Millisecond, Max: 10 * time.Millisecond}
			}
			templates = append(templates, a)
		}
		g := newRig(t, Options{Templates: templates}, data)
		defer g.stop()
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(uint64(w), 0))
				for i := range 300 {
					switch n := random.IntN(keys); random.IntN(6) {
					case 0:
						g.store.set(fmt.Sprint("which", n), random.IntN(keys))
					case 1:
						time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
					case 2:
						g.store.set(fmt.Sprint("key", n), nil)
					default:
						g.store.set(fmt.Sprint("key", n), fmt.Sprintf("%d.%d", w, i))
					}
				}
			})
		}
		wg.Wait()
		for i := range keys {
			g.store.set(fmt.Sprint("key", i), fmt.Sprint("end ", i))
		}
		sleep(time.Second)
		for i := range keys {
			g.holds(fmt.Sprint("out", i), fmt.Sprint("end ", g.store.data[fmt.Sprint("which", i)]))
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.events = nil
	})
}

// Commands run one after another: those of an earlier pass first, and those of
// one pass in the order of their templates (COMPAT 4.6.3).
func TestOrderOfCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var templates []Template
		for _, name := range []string{"a", "b", "c", "d"} {
			templates = append(templates, tmpl(name, fmt.Sprintf(`{{ key %q }}`, name), "reload "+name))
		}
		data := map[string]any{"a": nil, "b": nil, "c": nil, "d": nil}
		g := newRig(t, Options{Templates: templates}, data)
		defer g.stop()
		g.run = func(Command) (string, error) { time.Sleep(time.Second); return "", nil }
		for i, name := range []string{"d", "c", "b", "a", "b"} {
			g.store.set(name, i)
			synctest.Wait()
		}
		sleep(time.Minute)
		g.ran("0s reload d", "1s reload c", "2s reload b", "3s reload a")
		g.store.set("d", "again")
		synctest.Wait()
		g.hold(func() {
			g.store.set("c", "again")
			g.store.set("a", "again")
		})
		sleep(time.Minute)
		g.ran("1m0s reload d", "1m1s reload a", "1m2s reload c")
	})
}

// Of several templates with one destination the last one wins, each time.
func TestLastOfOneDestinationWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var templates []Template
		for i := range 20 {
			templates = append(templates, tmpl("same", fmt.Sprintf(`%d {{ key "x" }}`, i)))
		}
		g := newRig(t, Options{Templates: templates}, map[string]any{"x": 0})
		defer g.stop()
		for i := range 20 {
			g.holds("same", fmt.Sprint("19 ", i))
			g.store.set("x", i+1)
			synctest.Wait()
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.events = nil
	})
}

// The last one wins also where only the data of another has changed.
func TestLastOfOneDestinationStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		templates := []Template{tmpl("same", `first {{ key "a" }}`), tmpl("same", `last {{ key "b" }}`)}
		g := newRig(t, Options{Templates: templates}, map[string]any{"a": 0, "b": 0})
		defer g.stop()
		g.holds("same", "last 0")
		g.store.set("a", 1)
		synctest.Wait()
		g.holds("same", "last 0")
	})
}

// Templates are executed side by side.
func TestParallelExecution(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("there is one processor")
	}
	both := make(chan struct{}, 2)
	dir := t.TempDir()
	var templates []Template
	for _, name := range []string{"a", "b"} {
		a := tmpl(name, `{{ env "X" }}`)
		a.Destination = filepath.Join(dir, name)
		templates = append(templates, a)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	meet := func(string) (string, bool) {
		both <- struct{}{}
		for len(both) < 2 && ctx.Err() == nil {
			runtime.Gosched()
		}
		return "", true
	}
	r, err := New(Options{Templates: templates, Once: true, LookupEnv: meet}, watch.New(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(ctx); err != nil || ctx.Err() != nil {
		t.Errorf("they did not meet: %v, %v", err, ctx.Err())
	}
}
