package runner

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"restencil/runner/event"
	"restencil/watch"
)

func TestReconcile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := tmpl("one", `{{ key "x" }}`, "reload one")
		two := tmpl("two", `{{ key "x" }}`)
		two.Bundle = "b"
		g := newRig(t, Options{
			State: State{Reconcile: time.Minute}, Bundles: []Bundle{{Name: "b", Reload: cmd("reload two")}}, Templates: []Template{one, two},
		}, map[string]any{"x": 1})
		defer g.stop()
		sleep(time.Second)
		runs := g.runs.Load()
		for _, name := range []string{"one", "two"} {
			if err := os.Chmod(filepath.Join(g.dir, name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		sleep(time.Minute)
		if got := g.runs.Load(); got != runs {
			t.Errorf("%d commands ran for a mode", got-runs)
		}
		for _, name := range []string{"one", "two"} {
			if err := os.Remove(filepath.Join(g.dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		sleep(time.Minute)
		g.holds("one", "1")
		g.holds("two", "1")
		if got := g.runs.Load(); got != runs+2 {
			t.Errorf("%d commands ran for two files that were deleted", got-runs)
		}
	})
}

// TestRestless: an output that is different each time is not written again
// where there is no new data.
func TestRestless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		templates := []Template{tmpl("one", `{{ key "x" }} {{ timestamp "unix" }}`, "reload")}
		g := newRig(t, Options{Templates: templates}, map[string]any{"x": 1})
		defer g.stop()
		sleep(time.Second)
		for range 3 {
			g.reload(templates...)
			sleep(time.Second)
		}
		if got := g.runs.Load(); got != 1 {
			t.Errorf("%d runs", got)
		}
		var told []string
		for _, e := range g.all {
			if e, ok := e.(event.Unstable); ok {
				told = append(told, e.Difference)
			}
		}
		if len(told) != 1 || !strings.Contains(told[0], `line 1 is "1 `) {
			t.Errorf("told %q", told)
		}
		g.store.set("x", 2)
		sleep(time.Second)
		if got := g.runs.Load(); got != 2 {
			t.Errorf("%d runs after a change", got)
		}
	})
}

// TestSweep: what a killed process left goes, unless it may be the only copy.
func TestSweep(t *testing.T) {
	for _, test := range []struct {
		name                        string
		bundle, journal, unresolved bool
		stays                       bool
	}{
		{name: "plain"},
		{name: "bundle", bundle: true, journal: true},
		{name: "bundle without a journal", bundle: true, stays: true},
		{name: "unresolved", bundle: true, journal: true, unresolved: true, stays: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				left := []string{filepath.Join(dir, ".one.restencil-1a2b"), filepath.Join(dir, ".extra.restencil-1a2b")}
				one := tmpl("one", `{{ key "x" | writeToFile "`+filepath.Join(dir, "extra")+`" "" "" "0600" }}`)
				o := Options{State: State{Unresolved: test.unresolved}, Templates: []Template{one}}
				if test.bundle {
					o.Bundles, o.Templates = []Bundle{{Name: "b"}}, members(o.Templates)
				}
				if test.journal {
					o.State.Journal = openJournal(t, t.TempDir())
					defer o.State.Journal.Close()
				}
				old := time.Now().Add(-time.Minute)
				for _, path := range left {
					if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, old, old)); err != nil {
						t.Fatal(err)
					}
				}
				g := newRigAt(t, dir, o, map[string]any{"x": 1}, func(*rig) {})
				sleep(time.Second)
				g.stop()
				for _, path := range left {
					if _, err := os.Stat(path); (err == nil) != test.stays {
						t.Errorf("what was left: %v", err)
					}
				}
			})
		})
	}
}

func TestStoreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Limits: Limits{StoreDown: 10 * time.Minute}, Templates: []Template{tmpl("one", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		down := &watch.Error{Query: watch.Query{Kind: watch.KVGet, Name: "x"}, Err: errors.New("connection refused")}
		g.store.fail("x", down)
		sleep(9 * time.Minute)
		g.store.set("x", 2)
		sleep(9 * time.Minute)
		g.store.fail("x", down)
		sleep(11 * time.Minute)
		if err := <-g.done; err == nil || !strings.Contains(err.Error(), "consul: no answers since") {
			t.Errorf("Run: %v", err)
		}
	})
}
