package runner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/watch"
)

// sites returns a template for each element of the key "list", in a bundle or not.
func sites(bundle string, command ...string) Template {
	t := tmpl("sites", `{{ . }} {{ key (print "site/" .) }}`, command...)
	t.ForEach, t.Bundle = `key "list" | split " "`, bundle
	return t
}

// costs returns what has happened since the last call: how often a template was
// executed, which files have changed, and how often a command was run.
func (g *rig) costs() (executed int, changed string, runs int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var names []string
	for _, e := range g.all {
		switch e := e.(type) {
		case event.Executed:
			executed++
		case event.Rendered:
			if e.Change != renderer.Unchanged && e.Removed {
				names = append(names, "-"+filepath.Base(e.Destination))
			} else if e.Change != renderer.Unchanged {
				names = append(names, "+"+filepath.Base(e.Destination))
			}
		}
	}
	g.all, g.events = nil, nil
	return executed, strings.Join(names, " "), g.runs.Swap(0)
}

// A change of one of 500 elements costs as much as one, in a bundle and without.
func TestForEachOf500(t *testing.T) {
	for _, bundle := range []string{"", "web"} {
		t.Run("bundle "+bundle, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var names []string
				store := make(map[string]any)
				for i := range 502 {
					name := fmt.Sprintf("s%03d", i)
					store["site/"+name] = i
					names = append(names, name)
				}
				list := func(names []string) string { return strings.Join(names, " ") }
				store["list"] = list(names[:500])
				o := Options{Templates: []Template{sites(bundle, "reload")}}
				if bundle != "" {
					o.Bundles = []Bundle{{Name: bundle, Reload: Command{Args: []string{"reload"}}}}
				}
				g := newRig(t, o, store)
				defer g.stop()
				sleep(time.Second)
				if _, changed, runs := g.costs(); strings.Count(changed, "+") != 500 || runs != 1 {
					t.Errorf("at the start %d files and %d runs", strings.Count(changed, "+"), runs)
				}
				for _, step := range []struct {
					do      func()
					most    int // executions
					changed string
				}{
					{func() { g.store.set("site/s007", "seven") }, 1, "+s007"},
					{func() { g.store.set("list", list(names[:501])) }, 4, "+s500"},
					{func() { g.store.set("list", list(names[1:501])) }, 4, "-s000"},
					{func() { g.store.set("list", list(append([]string{"s501"}, names[2:501]...))) }, 4, "+s501 -s001"},
				} {
					if bundle == "" && strings.Contains(step.changed, " ") {
						continue // one file may be there before the data of the other
					}
					step.do()
					sleep(time.Second)
					executed, changed, runs := g.costs()
					if executed > step.most || changed != step.changed || runs != 1 {
						t.Errorf("%d executions, %s, %d runs, want at most %d, %s, 1", executed, changed, runs, step.most, step.changed)
					}
				}
				if files, _ := os.ReadDir(filepath.Join(g.dir, "sites")); len(files) != 500 {
					t.Errorf("%d files are there", len(files))
				}
			})
		})
	}
}

// What both an element and the one that replaces it ask is watched all the time, and not
// read again. What only the old one asked is watched no longer.
func TestForEachKeepsQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := tmpl("sites", `{{ . }} {{ key (print "site/" (slice . 0 1)) }} {{ key (slice . 1) }}`)
		site.ForEach, site.Destination = `key "list" | split " "`, "{{ slice . 0 1 }}"
		g := newRig(t, Options{Templates: []Template{site}}, map[string]any{
			"list": "a1 b1", "site/a": "A", "site/b": "B", "site/c": "C", "1": "one", "2": "two", "3": "three",
		})
		defer g.stop()
		sleep(time.Second)
		g.store.calls = nil
		g.store.set("list", "a2 b3 c3")
		sleep(time.Second)
		if calls := strings.Join(g.store.calls, "\n"); calls != "watch 2 3 site/c\nunwatch 1" && calls != "unwatch 1\nwatch 2 3 site/c" {
			t.Errorf("the store was asked to\n%s", calls)
		}
		g.holds("sites/a", "a2 A two")
		g.holds("sites/b", "b3 B three")
		g.holds("sites/c", "c3 C three")
	})
}

// The elements of a list that cannot be read stay.
func TestForEachWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{sites("", "reload")}}, map[string]any{"list": "a b", "site/a": 1, "site/b": 2})
		defer g.stop()
		sleep(time.Second)
		g.costs()
		g.store.fail("list", errors.New("away"))
		g.store.set("list", nil)
		sleep(time.Minute)
		if _, changed, _ := g.costs(); changed != "" {
			t.Errorf("changed: %s", changed)
		}
		g.store.set("list", "b")
		sleep(time.Second)
		if _, changed, _ := g.costs(); changed != "-a" {
			t.Errorf("changed: %s", changed)
		}
		g.holds("sites/b", "b 2")
	})
}

// A list that may lack elements removes no file, until it is known to lack none or
// somebody accepts. The other elements go on.
func TestForEachOfPartialList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Templates: []Template{sites("", "reload")}}, map[string]any{"list": "a b", "site/a": 1, "site/b": 2, "site/c": 3})
		defer g.stop()
		sleep(time.Second)
		g.costs()
		const one = "held: removing files (1) waits for a list that lacks nothing: consul key list: some is left out"
		two := strings.Replace(one, "1", "2", 1)
		for _, step := range []struct {
			list          any // nil: somebody accepts
			changed, says string
		}{
			{partial("a c"), "+c", one},
			{partial("a"), "", two},
			{partial("a b"), "", one},
			{"a b", "-c", "released"},
			{partial("a"), "", one},
			{"a", "-b", "released"},
			{"a b c", "+b +c", ""},
			{partial("a"), "", two},
			{nil, "-b -c", "released"},
			{partial("a b"), "+b", ""},
		} {
			if step.list != nil {
				g.store.set("list", step.list)
			} else if err := g.runner.Accept(t.Context(), g.runner.opts.Templates[0].Destination); err != nil {
				t.Error(err)
			}
			sleep(2 * time.Second)
			says := ""
			g.mu.Lock()
			for _, e := range g.all {
				switch e := e.(type) {
				case event.BundleHeld:
					says += "held: " + e.Reason
				case event.BundleReleased:
					says += "released"
				}
			}
			g.mu.Unlock()
			if _, changed, _ := g.costs(); changed != step.changed || says != step.says {
				t.Errorf("%v: changed %q, want %q\nsaid %q\nwant %q", step.list, changed, step.changed, says, step.says)
			}
		}
	})
}

// A secret is no name of a file: it would be in the log and in the status.
func TestForEachWithSecretNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := tmpl("keys", "{{ . }}")
		keys.ForEach = `sprig_keys (secret "kv/sites").Data`
		values := tmpl("values", "{{ . }}")
		values.ForEach = `sprig_values (secret "kv/sites").Data`
		const value = "hunter2 and more"
		g := newRigWith(t, Options{Templates: []Template{keys, values}}, nil, func(g *rig) {
			g.vault.set("kv/sites", &watch.Secret{Data: map[string]any{"web": value}})
		})
		defer g.stop()
		sleep(time.Second)
		g.holds("keys/web", "web")
		if _, err := os.Stat(filepath.Join(g.dir, "values")); err == nil {
			t.Error("a file has a secret as its name")
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		all := fmt.Sprintf("%+v", g.all)
		if strings.Contains(all, value) || !strings.Contains(all, "it holds a secret, and everybody can see names of files") {
			t.Errorf("the events are %s", all)
		}
	})
}

// The files of many elements that come or go at once are noted in the journal together.
func TestForEachIsNotedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := t.TempDir()
		j := openJournal(t, state)
		defer j.Close()
		store := make(map[string]any)
		var names []string
		for i := range 30 {
			names = append(names, fmt.Sprintf("s%d", i))
			store["site/"+names[i]] = i
		}
		store["list"] = strings.Join(names, " ")
		g := newRig(t, Options{State: State{Journal: j}, Templates: []Template{sites("")}}, store)
		defer g.stop()
		lines := func() int {
			sleep(2 * time.Second)
			files, _ := filepath.Glob(filepath.Join(state, "bundles", "for_each*"))
			if len(files) != 1 {
				t.Fatalf("the journal has %q", files)
			}
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			return strings.Count(string(text), "\n")
		}
		const most = 5
		came := lines()
		g.store.set("list", "s0")
		if went := lines() - came; came > most || went > most {
			t.Errorf("they came with %d records and went with %d, of %d", came, went, len(names))
		}
		if _, changed, _ := g.costs(); strings.Count(changed, "-") != len(names)-1 {
			t.Errorf("changed: %s", changed)
		}
	})
}

// A change of a list is one change of its bundle, with all files that it has to do with,
// though it takes long to parse the new elements and to execute them. The other files do
// not wait for ever.
func TestForEachIsOneChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slow = 300 * time.Millisecond
		var execution atomic.Int64
		execution.Store(int64(slow))
		list := tmpl("sites", `{{ .Value }} {{ env "SLOW" }}{{ if false }}{{ keyPrefix "x" }}{{ end }}`)
		list.ForEach, list.Destination, list.Bundle = `key "list" | parseJSON`, "{{ .Key }}", "web"
		index := tmpl("index", `{{ key "list" }}`)
		index.Bundle = "web"
		g := newRig(t, Options{
			Templates: []Template{index, list, tmpl("other", `{{ key "list" }}`)},
			Bundles:   []Bundle{{Name: "web", Reload: Command{Args: []string{"reload"}}}},
			Warn:      func(error) { time.Sleep(slow) }, // of the function, when it is parsed
			LookupEnv: func(string) (string, bool) { time.Sleep(time.Duration(execution.Load())); return "", false },
		}, map[string]any{"list": `{"a": 1, "b": 1}`})
		defer g.stop()
		sleep(10 * time.Second)
		g.costs()
		for _, step := range []struct{ list, changed string }{
			{`{"a": 1, "b": 1, "c": 1}`, "+index +c"},
			{`{"a": 2, "c": 1}`, "+index +a -b"},
			{`{"a": 3, "c": 1}`, "+index +a"},
			{`{"a": 4, "c": 1}`, "+index +a"},
			{`{"c":1}`, "+index -a"},
			{`{"c": 1}`, "+index"},
			{`{"c":2,"a":1}`, "+index +a +c"},
		} {
			g.store.set("list", step.list)
			sleep(10 * time.Millisecond)
			g.holds("other", step.list) // which has nothing to do with it
			sleep(10 * time.Second)
			_, changed, runs := g.costs()
			if changed = strings.Replace(changed, "+other ", "", 1); changed != step.changed || runs != 1 {
				t.Errorf("%s: %s in %d runs, want %s in 1", step.list, changed, runs, step.changed)
			}
		}
		execution.Store(int64(30 * time.Second))
		g.store.set("list", `{"a": 1, "c": 3}`)
		for _, step := range []struct {
			wait    time.Duration
			changed string
		}{{9 * time.Second, "+other"}, {2 * time.Second, "+index"}, {time.Minute, "+c"}} {
			sleep(step.wait)
			if _, changed, _ := g.costs(); changed != step.changed {
				t.Errorf("changed: %s, want %s", changed, step.changed)
			}
		}
	})
}

// TestForEachIsOneChangeInAReload: a list that changes while a reload is prepared is used
// as it is then, and what waits does not go in place without its elements.
func TestForEachIsOneChangeInAReload(t *testing.T) {
	const slow = 300 * time.Millisecond
	for wait := 100 * time.Millisecond; wait < 3*time.Second; wait += 50 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			var execution, parsing atomic.Int64
			list := tmpl("sites", `{{ .Value }} {{ env "SLOW" }}{{ if false }}{{ keyPrefix "x" }}{{ end }}`)
			list.ForEach, list.Destination, list.Bundle = `key "list" | parseJSON`, "{{ .Key }}", "web"
			index := tmpl("index", `{{ key "list" }}`)
			index.Bundle = "web"
			o := Options{
				Bundles:   []Bundle{{Name: "web", Reload: Command{Args: []string{"reload"}}, Wait: Wait{Min: wait}}},
				Warn:      func(error) { time.Sleep(time.Duration(parsing.Load())) }, // of the function, when it is parsed
				LookupEnv: func(string) (string, bool) { time.Sleep(time.Duration(execution.Load())); return "", false },
			}
			o.Templates = []Template{index, list}
			g := newRig(t, o, map[string]any{"list": `{"a": 1, "b": 1}`})
			defer g.stop()
			sleep(10 * time.Second)
			g.costs()
			execution.Store(int64(slow))
			parsing.Store(int64(slow))
			go func() {
				sleep(10 * time.Millisecond)
				g.store.set("list", `{"a": 1, "b": 1, "c": 1}`)
			}()
			o.Templates = []Template{index, list}
			g.reloadOptions(o)
			sleep(20 * time.Second)
			if _, changed, runs := g.costs(); changed != "+index +c" || runs != 1 {
				t.Errorf("with a wait of %v: %s in %d runs, want +index +c in 1", wait, changed, runs)
			}
		})
	}
}
