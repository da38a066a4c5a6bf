package runner

import (
	"errors"
	"restencil/runner/event"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// told returns how often an event like this was told.
func (g *rig) told(like event.Event) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, e := range g.all {
		if e == like {
			n++
		}
	}
	return n
}

func TestReadyComesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`, "slow"), tmpl("b", `{{ key "y" }}`)}},
			map[string]any{"x": 1, "y": nil})
		defer g.stop()
		end := make(chan struct{})
		g.run = func(Command) (string, error) { <-end; return "", nil }
		sleep(time.Minute)
		if g.told(event.Ready{}) != 0 {
			t.Error("ready, although a template waits")
		}
		g.store.set("x", 2) // its command goes on until the end
		g.store.set("y", 1)
		sleep(time.Minute)
		if g.told(event.Ready{}) != 0 {
			t.Error("ready, although a command runs")
		}
		close(end)
		synctest.Wait()
		if g.told(event.Ready{}) != 1 {
			t.Error("not ready, although all is done")
		}
		g.store.set("x", 3)
		g.reload(tmpl("a", `{{ key "x" }} {{ key "y" }}`))
		sleep(time.Minute)
		if g.told(event.Ready{}) != 1 {
			t.Error("ready more than once")
		}
	})
}

// A command that fails does not hold up whatever starts after this program,
// which may be what the command needs.
func TestReadyThoughACommandFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`, "reload")}}, map[string]any{"x": nil})
		defer g.stop()
		g.run = func(Command) (string, error) { return "", errors.New("no") }
		g.store.set("x", 1)
		synctest.Wait()
		if g.told(event.Ready{}) != 1 || g.runs.Load() != 1 {
			t.Errorf("ready %d times after %d runs, want once after one", g.told(event.Ready{}), g.runs.Load())
		}
	})
}

func TestAliveAsLongAsTheLoopGoesRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Heartbeat: 10 * time.Second, Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		defer g.stop()
		sleep(time.Minute)
		if n := g.told(event.Alive{}); n != 7 {
			t.Errorf("told %d times in a minute that it is alive, want at once and every 10 s", n)
		}
		for i := range 100 { // which keeps the loop busy
			g.store.set("x", i)
			sleep(time.Second)
		}
		if n := g.told(event.Alive{}); n != 17 {
			t.Errorf("told %d times in 160 s, want 17", n)
		}
	})
}

func TestNoHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		defer g.stop()
		sleep(time.Hour)
		if n := g.told(event.Alive{}); n != 0 {
			t.Errorf("told %d times that it is alive, and nobody asked", n)
		}
	})
}

func TestStuckLoopIsNotAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Heartbeat: 10 * time.Second, Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		defer g.stop()
		g.hold(func() { sleep(time.Hour) })
		if n := g.told(event.Alive{}); n != 2 {
			t.Errorf("told %d times that it is alive, want before it is stuck and after", n)
		}
		sleep(10 * time.Second)
		if n := g.told(event.Alive{}); n < 2 {
			t.Error("not alive again")
		}
	})
}

func TestLoadedTellsWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := tmpl("a", "text"), tmpl("b", "text")
		g := newRig(t, Options{Templates: []Template{a}}, nil)
		defer g.stop()
		g.reload(b, a)
		var got [][]event.Output
		for _, e := range g.all {
			if e, ok := e.(event.Loaded); ok {
				got = append(got, e.Templates)
			}
		}
		outA, outB := event.Output{Template: "a", Destination: g.dir + "/a"}, event.Output{Template: "b", Destination: g.dir + "/b"}
		if diff := cmp.Diff([][]event.Output{{outA}, {outB, outA}}, got); diff != "" {
			t.Errorf("Loaded (-want +got):\n%s", diff)
		}
		if _, first := g.all[0].(event.Loaded); !first {
			t.Errorf("the first event is %T", g.all[0])
		}
	})
}

// Who heard that a template waits hears when it no longer does.
func TestEndOfAWaitIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key (key "which") }}`)}}, map[string]any{"which": "x", "x": 1, "gone": nil})
		defer g.stop()
		which := func(name string, wait time.Duration) {
			g.store.set("which", name)
			sleep(wait)
		}
		which("gone", time.Second) // too short to be told
		which("x", time.Second)
		which("gone", 3*time.Second)
		which("x", time.Hour)
		g.mu.Lock()
		var got []string
		for _, e := range g.events {
			_, what, _ := strings.Cut(e, " ")
			got = append(got, what)
		}
		g.mu.Unlock()
		want := []string{"rendered a", "waiting a a:1:4: kv.get(gone): it does not exist", "Recovered"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}
