package runner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// counted makes the executions of templates count that begin with
// {{ env "COUNT" }}.
func counted(o Options, n *atomic.Int64) Options {
	o.LookupEnv = func(string) (string, bool) {
		n.Add(1)
		return "", true
	}
	return o
}

// A template of many keys is not executed for each answer that comes, and its
// file is there as soon as the last has come.
func TestAnswersThatTrickleInCollapse(t *testing.T) {
	const keys = 1000
	for _, every := range []time.Duration{0, 100 * time.Microsecond, 3 * time.Millisecond, 20 * time.Millisecond} {
		t.Run(every.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var executions atomic.Int64
				var text strings.Builder
				text.WriteString(`{{ env "COUNT" }}`)
				for i := range keys {
					fmt.Fprintf(&text, `{{ key "%d" }} `, i)
				}
				g := newRig(t, counted(Options{Templates: []Template{tmpl("a", text.String())}}, &executions), map[string]any{})
				defer g.stop()
				for i := range keys {
					time.Sleep(every)
					g.store.set(fmt.Sprint(i), i)
				}
				synctest.Wait()
				g.mu.Lock()
				defer g.mu.Unlock()
				last := fmt.Sprintf("%v rendered a", keys*every)
				if i := slices.Index(g.events, last); i != len(g.events)-1 || i < 0 {
					t.Errorf("events:\n%s\nwant the last to be %s", strings.Join(g.events, "\n"), last)
				}
				for _, e := range g.events {
					if strings.Contains(e, "exist") { // each does as soon as it is known
						t.Error(e)
					}
				}
				most := 25 + // to tell where it waits takes some, too
					int64(keys*every/(160*time.Millisecond))
				if n := executions.Load(); n > most {
					t.Errorf("%d executions, want at most %d", n, most)
				}
			})
		})
	}
}

// What a template asks may depend on the answers that it has. It gets to ask
// though another answer does not come.
func TestDiscoveryDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "silent" }}{{ key (key (key (key "1"))) }}`)}},
			map[string]any{"1": 2, "2": 3, "3": 4})
		defer g.stop()
		for _, name := range []string{"2", "3", "4"} {
			sleep(5 * time.Millisecond)
			if !g.store.watched(name) {
				t.Fatalf("%s is not asked after %v", name, time.Since(g.start))
			}
		}
	})
}

func TestDiscoveryAfterLongWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "silent" }}{{ if eq (key "x") "100" }}{{ key "y" }}{{ end }}`)}},
			map[string]any{})
		defer g.stop()
		for i := range 101 {
			g.store.set("x", i)
			sleep(time.Second)
		}
		if !g.store.watched("y") {
			t.Error("what the last answer leads to is not asked")
		}
	})
}

// A query that fails is not waited for, whether it fails before or after the
// others have their answers.
func TestFailuresAreNotWaitedFor(t *testing.T) {
	answered := func(g *rig) { g.store.set("which", "x") }
	failed := func(g *rig) { g.store.fail("away", errors.New("no")) }
	for name, steps := range map[string][]func(*rig){
		"before": {failed, answered},
		"after":  {answered, failed},
		"twice":  {failed, failed, answered},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "away" }}{{ key (key "which") }}`)}}, map[string]any{})
				defer g.stop()
				for _, step := range steps {
					step(g)
					synctest.Wait()
				}
				if !g.store.watched("x") {
					t.Error("x is not asked at once")
				}
			})
		})
	}
}

// A template that has all its answers is executed at once, and one that waits
// for a key that does not exist has them.
func TestCompleteTemplatesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}{{ key "gone" }}`), tmpl("b", `{{ key "x" }}`)}},
			map[string]any{"x": 1, "gone": nil})
		defer g.stop()
		g.happened("0s rendered b")
		g.store.set("x", 2)
		synctest.Wait()
		g.happened("0s rendered b")
		g.store.set("gone", "here")
		synctest.Wait()
		g.happened("0s rendered a")
		g.holds("a", "2here")
	})
}

// What comes while a template is executed is new data for the next execution.
func TestAnswersDuringAnExecution(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g *rig
		meanwhile := func(string) (string, bool) {
			if g != nil && g.store.data["x"] == 2 {
				g.store.set("x", 3)
				time.Sleep(time.Millisecond)
			}
			return "", true
		}
		g = newRig(t, Options{LookupEnv: meanwhile, Templates: []Template{tmpl("a", `{{ key "x" }}{{ env "X" }}`)}}, map[string]any{"x": 1})
		defer g.stop()
		g.store.set("x", 2)
		sleep(time.Second)
		g.holds("a", "3")
	})
}

// instances returns the instances of a service, as a source makes them.
func instances(output string, port int) []*watch.HealthService {
	return []*watch.HealthService{{
		ID: "web", Address: "10.0.0.1", Port: port, Status: "passing",
		Checks: api.HealthChecks{{CheckID: "http", Status: "passing", Output: output}},
	}}
}

// What a check prints reaches the templates that print it. The others come out
// as they were, and their commands do not run.
func TestOutputsOfChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{
			tmpl("plain", `{{ range service "web" }}{{ .Address }}:{{ .Port }}{{ end }}`, "reload plain"),
			tmpl("outputs", `{{ range service "web" }}{{ .Port }}{{ range .Checks }} {{ .Output }}{{ end }}{{ end }}`),
		}}, map[string]any{"web": instances("200 OK", 80)})
		defer g.stop()
		g.happened("0s rendered plain", "0s rendered outputs", "0s run reload plain")
		g.store.set("web", instances("took 1", 80))
		synctest.Wait()
		g.happened("0s rendered outputs")
		g.holds("outputs", "80 took 1")
		g.store.set("web", instances("took 2", 81))
		synctest.Wait()
		g.happened("0s rendered plain", "0s rendered outputs", "0s run reload plain")
		g.holds("plain", "10.0.0.1:81")
		g.holds("outputs", "81 took 2")
	})
}
