package runner

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"restencil/runner/event"
	"restencil/runner/guard"
	"restencil/runner/journal"
	"restencil/watch"
)

// togetherMin is how long a change of a named bundle waits for what belongs to it.
const togetherMin = 10 * time.Millisecond

// commands are run in the place of real ones. Each does what its name says.
type commands struct {
	mu   sync.Mutex
	ran  []string
	fail map[string]error         // by name
	take map[string]time.Duration // how long it takes
	look func()                   // is called while it runs, nil: nothing
}

func (c *commands) run(cmd Command) (string, error) {
	name := strings.Join(cmd.Args, " ")
	c.mu.Lock()
	c.ran = append(c.ran, name)
	err, take, look := c.fail[name], c.take[name], c.look
	c.mu.Unlock()
	if look != nil {
		look()
	}
	time.Sleep(take)
	if err != nil {
		return "output of " + name, err
	}
	return "", nil
}

func (c *commands) set(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

// happened wants just these commands to have run since the last call.
func (c *commands) happened(t *testing.T, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.ran, want) {
		t.Errorf("ran %q, want %q", c.ran, want)
	}
	c.ran = nil
}

// bundleRig runs a bundle "b" of the given templates, which are made members.
func bundleRig(t *testing.T, b Bundle, data map[string]any, templates ...Template) (*rig, *commands) {
	t.Helper()
	return bundleRigWith(t, Options{Bundles: []Bundle{b}, Templates: members(templates)}, data)
}

func members(templates []Template) []Template {
	for i := range templates {
		templates[i].Bundle = "b"
	}
	return templates
}

func bundleRigWith(t *testing.T, o Options, data map[string]any) (*rig, *commands) {
	t.Helper()
	c := &commands{fail: make(map[string]error), take: make(map[string]time.Duration)}
	g := newRigWith(t, o, data, func(g *rig) { g.run = c.run })
	return g, c
}

func cmd(line string) Command {
	return Command{Args: strings.Fields(line), Timeout: time.Minute}
}

var errRefused = errors.New("exit status 1")

func TestBundleIsAllOrNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := bundleRig(t, Bundle{Name: "b", Reload: cmd("reload")}, map[string]any{"x": 1},
			tmpl("one", `{{ key "x" }}`), tmpl("two", `{{ key "y" }}`))
		defer g.stop()
		sleep(time.Second)
		g.holds("one", "")
		g.store.set("y", 1)
		sleep(time.Second)
		g.holds("one", "1")
		g.holds("two", "1")
		c.happened(t, "reload")
		g.store.set("x", 2)
		g.store.set("y", 2)
		sleep(time.Second)
		g.holds("one", "2")
		g.holds("two", "2")
		if n := len(c.ran); n == 0 || n > 2 {
			t.Errorf("ran %q", c.ran)
		}
	})
}

// TestFailedCheckLeavesEverything: the files keep their bytes and inodes.
func TestFailedCheckLeavesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := tmpl("two", `{{ key "y" }}`)
		two.Check = cmd("check two")
		g, c := bundleRig(t, Bundle{Name: "b", Reload: cmd("reload")}, map[string]any{"x": 1, "y": 1}, tmpl("one", `{{ key "x" }}`), two)
		defer g.stop()
		sleep(time.Second)
		c.happened(t, "check two", "reload")
		before, err := os.Stat(filepath.Join(g.dir, "one"))
		if err != nil {
			t.Fatal(err)
		}
		c.set(func() { c.fail["check two"] = errRefused })
		g.store.set("x", 2)
		g.store.set("y", 2)
		sleep(500 * time.Millisecond)
		g.holds("one", "1")
		g.holds("two", "1")
		after, err := os.Stat(filepath.Join(g.dir, "one"))
		if err != nil || !os.SameFile(before, after) {
			t.Errorf("the file that passed was replaced (%v)", err)
		}
		c.set(func() {
			if slices.Contains(c.ran, "reload") {
				t.Errorf("ran %q", c.ran)
			}
			delete(c.fail, "check two")
		})
		sleep(2 * time.Minute)
		g.holds("one", "2")
		g.holds("two", "2")
		g.clean()
	})
}

// clean wants no file but the templates' own in the directory.
func (g *rig) clean() {
	g.t.Helper()
	entries, err := os.ReadDir(g.dir)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			g.t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestFailedReloadGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := bundleRig(t, Bundle{Name: "b", Reload: cmd("reload"), Rollback: true}, map[string]any{"x": 1, "y": 1},
			tmpl("one", `{{ key "x" }}`), tmpl("two", `{{ key "y" }}`))
		defer g.stop()
		sleep(time.Second)
		c.happened(t, "reload")
		c.set(func() { c.fail["reload"] = errRefused })
		g.store.set("x", 2)
		sleep(togetherMin)
		g.holds("one", "1")
		c.happened(t, "reload", "reload")
		c.set(func() { delete(c.fail, "reload") })
		sleep(time.Minute)
		c.happened(t, "reload")
		g.holds("one", "2")
		g.holds("two", "1")
		g.clean()
	})
}

// TestFailedReloadOfAPlainCommandStays: without rollback the new file stays,
// and the reload is made good.
func TestFailedReloadWithoutRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := bundleRig(t, Bundle{Name: "b", Reload: cmd("reload")}, map[string]any{"x": 1}, tmpl("one", `{{ key "x" }}`))
		defer g.stop()
		sleep(time.Second)
		c.set(func() { c.fail["reload"] = errRefused; c.ran = nil })
		g.store.set("x", 2)
		sleep(togetherMin)
		g.holds("one", "2")
		c.happened(t, "reload")
		c.set(func() { delete(c.fail, "reload") })
		sleep(time.Minute)
		c.happened(t, "reload")
		sleep(time.Hour)
		c.happened(t)
	})
}

// TestReloadKnowsWhatChanged: its environment names the files.
func TestReloadKnowsWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var files []string
		note := func(cmd Command) (string, error) {
			for _, v := range cmd.Env {
				if list, ok := strings.CutPrefix(v, "RESTENCIL_FILES="); ok {
					files = append(files, list)
				}
			}
			return "", nil
		}
		o := Options{
			Bundles:   []Bundle{{Name: "b", Reload: cmd("reload")}},
			Templates: members([]Template{tmpl("one", `{{ key "x" }}`), tmpl("two", `{{ key "y" }}`)}),
		}
		g := newRigWith(t, o, map[string]any{"x": 1, "y": 1}, func(g *rig) { g.run = note })
		defer g.stop()
		sleep(time.Second)
		g.store.set("y", 2)
		sleep(time.Second)
		want := []string{
			filepath.Join(g.dir, "one") + "\n" + filepath.Join(g.dir, "two"),
			filepath.Join(g.dir, "two"),
		}
		if !slices.Equal(files, want) {
			t.Errorf("told of %q, want %q", files, want)
		}
	})
}

// TestReloadForExtraFiles: what writeToFile changes is read by a reload, too.
func TestReloadForExtraFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		extra := filepath.Join(t.TempDir(), "extra")
		g, c := bundleRig(t, Bundle{Name: "b", Reload: cmd("reload")}, map[string]any{"x": 1},
			tmpl("one", `same{{ key "x" | writeToFile "`+extra+`" "" "" "0600" }}`))
		defer g.stop()
		sleep(time.Second)
		g.store.set("x", 2)
		sleep(time.Second)
		c.happened(t, "reload", "reload")
		if got, err := os.ReadFile(extra); err != nil || string(got) != "2" {
			t.Errorf("the file holds %q (%v)", got, err)
		}
	})
}

// writeToFile cannot write what another template writes, of the same bundle or
// another: the message names both, and the file stays what its template made it.
func TestExtraFileOfAnotherTemplate(t *testing.T) {
	for _, bundle := range []string{"b", "c", ""} {
		t.Run(bundle, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				victim := tmpl("victim", `{{ key "y" }}`)
				victim.Bundle = bundle
				writer := tmpl("writer", `{{ key "x" | writeToFile "`+filepath.Join(dir, ".", "victim")+`" "" "" "0600" }}`)
				writer.Bundle = "b"
				g := newRigAt(t, dir, Options{Bundles: []Bundle{{Name: "b"}, {Name: "c"}}, Templates: []Template{victim, writer}},
					map[string]any{"x": 1, "y": 2}, func(g *rig) { g.run = new(commands).run })
				defer g.stop()
				sleep(time.Minute)
				var text string
				for _, e := range g.all {
					if e, ok := e.(event.BundleFailed); ok {
						text = e.Err.Error()
					}
				}
				if !strings.Contains(text, "writer") || !strings.Contains(text, "the destination of template victim") {
					t.Errorf("told %q", text)
				}
				if bundle != "b" {
					g.holds("victim", "2")
				}
			})
		})
	}
}

// TestWhatBelongsTogether: one write of a store may come as several answers.
func TestWhatBelongsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := bundleRig(t, Bundle{Name: "b", Reload: cmd("reload")}, map[string]any{"x": 1, "y": 1},
			tmpl("one", `{{ key "x" }}`), tmpl("two", `{{ key "y" }}`))
		defer g.stop()
		sleep(time.Second)
		g.store.set("x", 2)
		sleep(5 * time.Millisecond)
		g.store.set("y", 2)
		sleep(time.Second)
		g.holds("two", "2")
		c.happened(t, "reload", "reload")
	})
}

// TestSlowReload delays no other bundle and no rendering; what changes
// meanwhile is worth one more.
func TestSlowReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		templates := append(members([]Template{tmpl("one", `{{ key "x" }}`)}), tmpl("other", `{{ key "y" }}`), tmpl("third", `{{ key "y" }}`))
		templates[2].Bundle = "c"
		g, c := bundleRigWith(t, Options{
			Bundles:   []Bundle{{Name: "b", Reload: cmd("slow")}, {Name: "c", Reload: cmd("quick")}},
			Templates: templates,
		}, map[string]any{"x": 1, "y": 1})
		defer g.stop()
		sleep(time.Second)
		c.set(func() { c.take["slow"] = time.Minute; c.ran = nil })
		g.store.set("x", 2)
		sleep(togetherMin)
		for i := 3; i < 20; i++ {
			g.store.set("x", i)
			sleep(time.Second)
		}
		g.store.set("y", 2)
		sleep(togetherMin)
		g.holds("other", "2")
		g.holds("third", "2")
		c.happened(t, "slow", "quick")
		g.holds("one", "2")
		sleep(5 * time.Minute)
		g.holds("one", "19")
		c.happened(t, "slow")
	})
}

func TestBundleWaitsForItsOwnDataOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		templates := append(members([]Template{tmpl("one", `{{ key "x" }}`), tmpl("two", `{{ key "y" }}`)}), tmpl("other", `{{ key "z" }}`))
		g, c := bundleRigWith(t, Options{
			Bundles:   []Bundle{{Name: "b", Reload: cmd("reload"), Wait: Wait{Min: time.Second, Max: 3 * time.Second}}},
			Templates: templates,
		}, map[string]any{"x": 1, "y": 1, "z": 1})
		defer g.stop()
		sleep(togetherMin)
		c.happened(t, "reload") // the first does not wait
		g.store.set("x", 2)
		for i := range 5 {
			g.store.set("z", i)
			sleep(200 * time.Millisecond)
		}
		g.holds("one", "2") // z keeps nothing of it waiting
		g.store.set("x", 3)
		sleep(500 * time.Millisecond)
		g.store.set("y", 3)
		sleep(600 * time.Millisecond)
		g.holds("one", "2")
		sleep(time.Second)
		g.holds("one", "3")
		g.holds("two", "3")
		c.happened(t, "reload", "reload")
	})
}

func TestMinInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := bundleRig(t, Bundle{Name: "b", Reload: cmd("reload"), MinInterval: time.Minute}, map[string]any{"x": 0}, tmpl("one", `{{ key "x" }}`))
		defer g.stop()
		sleep(togetherMin)
		c.happened(t, "reload")
		for i := range 50 {
			g.store.set("x", i)
			sleep(time.Second)
		}
		c.happened(t)
		sleep(11 * time.Second)
		c.happened(t, "reload")
		g.holds("one", "49")
	})
}

// Each change waits once, at random, before it is checked, whatever follows it
// meanwhile; the first rendering, and what takes a change back, do not.
func TestSplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const splay = time.Hour
		g, c := bundleRig(t, Bundle{Name: "b", Check: cmd("check"), Reload: cmd("reload"), Splay: splay}, map[string]any{"x": 0}, tmpl("one", `{{ key "x" }}`))
		defer g.stop()
		sleep(togetherMin)
		c.happened(t, "check", "reload")
		var shortest, longest time.Duration
		for i := 1; i <= 30; i++ {
			began := time.Now()
			g.store.set("x", i)
			for {
				if got, err := os.ReadFile(filepath.Join(g.dir, "one")); err != nil || string(got) == fmt.Sprint(i) {
					break
				}
				sleep(time.Minute)
				if waited := time.Since(began); waited > splay+2*time.Minute {
					t.Fatalf("change %d waits for %v", i, waited)
				}
			}
			c.happened(t, "check", "reload")
			if waited := time.Since(began); i == 1 || waited < shortest {
				shortest = waited
			} else {
				longest = max(longest, waited)
			}
		}
		if longest-shortest < splay/4 { // the chance is one in 10^17
			t.Errorf("30 changes waited between %v and %v", shortest, longest)
		}
		for i := range 200 { // changes that keep coming are one
			g.store.set("x", 1000+i)
			sleep(time.Minute)
		}
		c.set(func() {
			if n := len(c.ran); n < 6 {
				t.Errorf("%d checks and reloads in 200 minutes", n)
			}
		})
		sleep(splay + time.Minute)
		g.holds("one", "1199")
		c.set(func() { c.ran = nil })
		g.store.set("x", 1)
		synctest.Wait()
		g.store.set("x", 1199)
		sleep(2 * splay)
		c.happened(t)
	})
}

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := guard.Rules{MaxShrink: 0.5, NotEmpty: true}
		g, c := bundleRig(t, Bundle{Name: "b", Reload: cmd("reload"), Guard: rules}, map[string]any{"x": "0123456789"}, tmpl("one", `{{ key "x" }}`))
		defer g.stop()
		sleep(time.Second)
		c.happened(t, "reload")
		g.store.set("x", "01")
		sleep(time.Hour)
		g.holds("one", "0123456789")
		g.store.set("x", "012345678")
		sleep(togetherMin)
		g.holds("one", "012345678")
		c.happened(t, "reload")
		g.store.set("x", "")
		sleep(time.Second)
		if err := g.runner.Accept(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		sleep(togetherMin)
		g.holds("one", "")
		c.happened(t, "reload")
		if err := g.runner.Accept(t.Context(), "b"); err == nil {
			t.Error("accepted what was not held")
		}
		if err := g.runner.Accept(t.Context(), "none"); err == nil {
			t.Error("accepted a bundle that is not there")
		}
		var told []string
		for _, e := range g.all {
			switch e.(type) {
			case event.BundleHeld:
				told = append(told, "held")
			case event.BundleReleased:
				told = append(told, "released")
			}
		}
		if strings.Join(told, " ") != "held released held released" {
			t.Errorf("told %q", told)
		}
	})
}

// TestGuardOfOneTemplate concerns no other of its bundle.
func TestGuardOfOneTemplate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := tmpl("one", `{{ key "x" }}`)
		one.Guard = guard.Rules{MinBytes: 3}
		g, _ := bundleRig(t, Bundle{Name: "b"}, map[string]any{"x": 111, "y": 1}, one, tmpl("two", `{{ key "y" }}`))
		defer g.stop()
		sleep(togetherMin)
		g.holds("two", "1")
		g.store.set("y", 2)
		sleep(togetherMin)
		g.holds("two", "2")
		g.store.set("x", 1)
		g.store.set("y", 3)
		sleep(time.Second)
		g.holds("one", "111")
		g.holds("two", "2")
	})
}

func TestMinInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		instances := func(n int) []*watch.HealthService {
			list := make([]*watch.HealthService, n)
			for i := range list {
				list[i] = &watch.HealthService{Name: "web"}
			}
			return list
		}
		rules := guard.Rules{MinInstances: map[string]int{"web": 2}}
		g, _ := bundleRig(t, Bundle{Name: "b", Guard: rules}, map[string]any{"web": instances(3)},
			tmpl("one", `{{ len (service "web") }}{{ with service "rare.web" }}{{ end }}`))
		defer g.stop()
		sleep(togetherMin)
		g.holds("one", "3")
		g.store.set("web", instances(1))
		sleep(time.Second)
		g.holds("one", "3")
		g.store.set("web", instances(2))
		sleep(time.Second)
		g.holds("one", "2")
	})
}

func TestBundleExitOnFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := bundleRig(t, Bundle{Name: "b", Reload: cmd("reload"), ExitOnFailure: true}, map[string]any{"x": 1}, tmpl("one", `{{ key "x" }}`))
		sleep(time.Second)
		c.set(func() { c.fail["reload"] = errRefused })
		g.store.set("x", 2)
		if err := <-g.done; !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "b: reload failed") {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestBundleOnce(t *testing.T) {
	for _, test := range []struct {
		name  string
		fails string
		guard guard.Rules
		want  string // the error
		holds string
	}{
		{name: "well", holds: "1"},
		{name: "check", fails: "check", want: "b: check failed"},
		{name: "reload", fails: "reload", want: "b: reload failed", holds: "1"},
		{name: "guard", guard: guard.Rules{MinBytes: 10}, want: "b: change held"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := Bundle{Name: "b", Check: cmd("check"), Reload: cmd("reload"), Guard: test.guard}
				c := &commands{fail: map[string]error{test.fails: errRefused}}
				g := newRigWith(t, Options{Once: true, Bundles: []Bundle{b}, Templates: members([]Template{tmpl("one", `{{ key "x" }}`)})},
					map[string]any{"x": 1}, func(g *rig) { g.run = c.run })
				err := <-g.done
				if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("Run: %v, want %q", err, test.want)
				}
				g.holds("one", test.holds)
			})
		})
	}
}

// openJournal opens a state directory as a process does that starts.
func openJournal(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j := journal.New(dir, journal.Options{Generations: 5})
	return j
}

// TestOwedReload: one that failed is made good by the next process, once, be
// the bundle named or not.
func TestOwedReload(t *testing.T) {
	for _, bundle := range []string{"b", ""} {
		t.Run(bundle, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir, state := t.TempDir(), t.TempDir()
				start := func(fails bool, value int) []string {
					j := openJournal(t, state)
					defer j.Close()
					one := tmpl("one", `{{ key "x" }}`, "reload")
					one.Bundle = bundle
					c := &commands{fail: make(map[string]error)}
					if fails {
						c.fail["reload"] = errRefused
					}
					o := Options{Templates: []Template{one}, State: State{Journal: j}}
					if bundle != "" {
						o.Bundles = []Bundle{{Name: bundle, Reload: cmd("reload")}}
					}
					g := newRigAt(t, dir, o, map[string]any{"x": value}, func(g *rig) { g.run = c.run })
					sleep(200 * time.Millisecond)
					g.stop()
					return c.ran
				}
				for i, step := range []struct {
					fails bool
					value int
					want  int // runs, at least
				}{{false, 1, 1}, {false, 1, 0}, {true, 2, 1}, {true, 2, 1}, {false, 2, 1}, {false, 2, 0}} {
					ran := start(step.fails, step.value)
					if len(ran) < step.want || step.want == 0 && len(ran) > 0 || !step.fails && len(ran) > 1 {
						t.Errorf("start %d ran %q, want %d", i, ran, step.want)
					}
				}
			})
		})
	}
}

// TestOwedReloadOfAnotherConfiguration: what is owed is made good, once, also where the
// configuration has changed while no process was there.
func TestOwedReloadOfAnotherConfiguration(t *testing.T) {
	one, two := tmpl("one", `{{ key "x" }}`, "reload"), tmpl("two", `{{ key "y" }}`, "reload")
	in := func(bundle string) Options {
		one := tmpl("one", `{{ key "x" }}`)
		one.Bundle = bundle
		return Options{Templates: []Template{one}, Bundles: []Bundle{{Name: bundle, Reload: cmd("reload")}}}
	}
	for name, tt := range map[string]struct{ before, after Options }{
		"a template less":   {Options{Templates: []Template{one, two}}, Options{Templates: []Template{one}}},
		"another command":   {Options{Templates: []Template{one}}, Options{Templates: []Template{tmpl("one", `{{ key "x" }}`, "restart")}}},
		"another name":      {in("a"), in("b")},
		"in a bundle":       {Options{Templates: []Template{one}}, in("b")},
		"out of the bundle": {in("a"), Options{Templates: []Template{one}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir, state := t.TempDir(), t.TempDir()
				start := func(o Options, value int, fails error) []string {
					j := openJournal(t, state)
					defer j.Close()
					o.State.Journal = j
					c := &commands{fail: map[string]error{"reload": fails}}
					g := newRigAt(t, dir, o, map[string]any{"x": value, "y": 1}, func(g *rig) { g.run = c.run })
					sleep(200 * time.Millisecond)
					g.stop()
					return c.ran
				}
				start(tt.before, 1, nil)
				start(tt.before, 2, errRefused)
				if ran := start(tt.after, 2, nil); len(ran) != 1 {
					t.Errorf("the first start ran %q, want one command", ran)
				}
				if ran := start(tt.after, 2, nil); len(ran) > 0 {
					t.Errorf("the second start ran %q, want nothing", ran)
				}
			})
		})
	}
}

// TestBurstIsNotedOnce: changes that come while a command runs do not each wait
// for the journal. It is owed until it has run for the last of them.
func TestBurstIsNotedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := t.TempDir()
		j := openJournal(t, state)
		defer j.Close()
		c := &commands{take: map[string]time.Duration{"reload": 100 * time.Millisecond}}
		g := newRigWith(t, Options{State: State{Journal: j}, Templates: []Template{tmpl("one", `{{ key "x" }}`, "reload")}},
			map[string]any{"x": 0}, func(g *rig) { g.run = c.run })
		defer g.stop()
		owed := func() bool {
			t.Helper()
			st, err := j.State(g.runner.bundles.list[0].spec.Key())
			if err != nil {
				t.Error(err)
			}
			return st.Owed()
		}
		sleep(time.Second)
		before, runs := stateLines(t, state), len(c.ran)
		for i := range 50 {
			g.store.set("x", i+1)
			sleep(10 * time.Millisecond)
			if !owed() {
				t.Fatalf("nothing is owed after change %d", i+1)
			}
		}
		sleep(time.Second)
		g.holds("one", "50")
		if owed() {
			t.Error("something is owed in the end")
		}
		if got, most := stateLines(t, state)-before, 2*(len(c.ran)-runs); got > most {
			t.Errorf("%d runs were noted %d times, want at most %d: that each is owed, and that it is done", len(c.ran)-runs, got, most)
		}
	})
}

// stateLines returns how many records are in a state directory with one bundle.
func stateLines(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "bundles", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, error %v: want one file", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(text, []byte("\n"))
}

// The journal forgets a bundle that the configuration has no more, after a while.
func TestJournalForgetsUnusedBundles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir())
		defer j.Close()
		start := func(command string) (known int) {
			t.Helper()
			g := newRigWith(t, Options{State: State{Journal: j}, Templates: []Template{tmpl("one", `{{ key "x" }}`, command)}},
				map[string]any{"x": 0}, func(g *rig) { g.run = new(commands).run })
			sleep(time.Second)
			g.stop()
			names, err := j.Bundles()
			if err != nil {
				t.Fatal(err)
			}
			return len(names)
		}
		if n := start("reload"); n != 1 {
			t.Errorf("%d bundles are known, want 1", n)
		}
		sleep(24 * time.Hour)
		if n := start("another"); n != 2 {
			t.Errorf("%d bundles are known after a day, want 2: it may come back", n)
		}
		sleep(40 * 24 * time.Hour)
		if n := start("another"); n != 1 {
			t.Errorf("%d bundles are known after 40 days, want 1", n)
		}
	})
}

func TestRollbackByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir())
		defer j.Close()
		g, c := bundleRigWith(t, Options{
			State: State{Journal: j}, Bundles: []Bundle{{Name: "b", Reload: cmd("reload")}},
			Templates: members([]Template{tmpl("one", `{{ key "x" }}`), tmpl("two", `{{ key "x" }}!`)}),
		}, map[string]any{"x": 1})
		defer g.stop()
		sleep(time.Second)
		g.store.set("x", 2)
		sleep(time.Second)
		c.happened(t, "reload", "reload")
		if _, err := g.runner.Rollback(t.Context(), "b", 1); err != nil {
			t.Fatal(err)
		}
		sleep(time.Hour)
		g.holds("one", "1")
		g.holds("two", "1!")
		c.happened(t, "reload")
		g.store.set("x", 3)
		sleep(time.Second)
		g.holds("one", "3")
		c.happened(t, "reload")
		if _, err := g.runner.Rollback(t.Context(), "b", 77); err == nil {
			t.Error("went back to a generation that is not there")
		}
	})
}

func TestAcceptAfterRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openJournal(t, t.TempDir())
		defer j.Close()
		g, _ := bundleRigWith(t, Options{
			State: State{Journal: j}, Bundles: []Bundle{{Name: "b"}}, Templates: members([]Template{tmpl("one", `{{ key "x" }}`)}),
		}, map[string]any{"x": 1})
		defer g.stop()
		sleep(time.Second)
		g.store.set("x", 2)
		sleep(time.Second)
		if _, err := g.runner.Rollback(t.Context(), "b", 1); err != nil {
			t.Fatal(err)
		}
		sleep(togetherMin)
		g.holds("one", "1")
		if err := g.runner.Accept(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		sleep(togetherMin)
		g.holds("one", "2")
	})
}

// TestReloadOfBundles: a reload of the configuration while a bundle is being
// changed, and one that takes the bundle away.
func TestReloadOfBundles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := func() Options {
			return Options{Bundles: []Bundle{{Name: "b", Reload: cmd("reload")}}, Templates: members([]Template{tmpl("one", `{{ key "x" }}`)})}
		}
		g, c := bundleRigWith(t, options(), map[string]any{"x": 1})
		defer g.stop()
		sleep(time.Second)
		c.happened(t, "reload")
		g.reloadOptions(options())
		sleep(time.Second)
		c.happened(t)
		c.set(func() { c.take["reload"] = time.Minute })
		g.store.set("x", 2)
		sleep(togetherMin)
		g.reloadOptions(options())
		g.store.set("x", 3)
		sleep(5 * time.Minute)
		g.holds("one", "3")
		c.happened(t, "reload", "reload")
		g.store.set("x", 4)
		sleep(togetherMin)
		g.reloadOptions(Options{Templates: []Template{tmpl("one", `{{ key "x" }}`)}})
		sleep(5 * time.Minute)
		g.store.set("x", 5)
		sleep(time.Second)
		g.holds("one", "5")
		c.happened(t, "reload")
	})
}

func TestBundlesThatCannotBe(t *testing.T) {
	for want, o := range map[string]Options{
		`bundle "b" is defined twice`:                     {Bundles: []Bundle{{Name: "b"}, {Name: "b"}}},
		`one belongs to bundle "b", which is not defined`: {Templates: members([]Template{tmpl("one", "")})},
	} {
		for i := range o.Templates {
			o.Templates[i].Destination = "x"
		}
		if _, err := New(o, watch.New(nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want %q", err, want)
		}
	}
}
