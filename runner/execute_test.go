package runner

import (
	"testing"
	"testing/synctest"
	"time"

	"restencil/runner/event"
)

// A template that does not come to an end delays no other, and the loop goes
// round meanwhile.
func TestTemplateThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		hang := func(string) (string, bool) { <-end; return "", true }
		g := newRig(t, Options{LookupEnv: hang, Heartbeat: 10 * time.Second, Templates: []Template{
			tmpl("hangs", `{{ env "X" }}{{ key "x" }}`), tmpl("goes", `{{ key "x" }}`, "reload"), tmpl("nested", `{{ key (key "which") }}`),
		}}, map[string]any{"x": 1, "which": "x"})
		defer g.stop()
		sleep(time.Second)
		g.holds("goes", "1")
		g.holds("nested", "1")
		g.store.set("x", 2)
		sleep(10 * time.Minute)
		g.holds("goes", "2")
		if n := g.told(event.Alive{}); n < 60 {
			t.Errorf("told %d times that it is alive in ten minutes", n)
		}
		if g.runs.Load() != 2 || g.told(event.Ready{}) != 0 {
			t.Errorf("%d runs, ready %d times", g.runs.Load(), g.told(event.Ready{}))
		}
		close(end)
		sleep(time.Second)
		g.holds("hangs", "2")
		if g.told(event.Ready{}) != 1 {
			t.Error("not ready")
		}
	})
}

// A template that takes long to execute has the first answer to a query that another one
// has asked meanwhile, and a newer one.
func TestAnswerDuringFirstExecution(t *testing.T) {
	for _, store := range []map[string]any{{"k": "v"}, {}} {
		synctest.Test(t, func(t *testing.T) {
			slow := tmpl("slow", `{{ key "k" }}{{ env "SLOW" }}`)
			g := newRig(t, Options{
				Templates: []Template{tmpl("fast", `{{ key "k" }}`), slow},
				LookupEnv: func(string) (string, bool) { time.Sleep(5 * time.Second); return "", false },
			}, store)
			defer g.stop()
			sleep(3 * time.Second)
			g.store.set("k", "w")
			sleep(20 * time.Second)
			g.holds("fast", "w")
			g.holds("slow", "w")
		})
	}
}
