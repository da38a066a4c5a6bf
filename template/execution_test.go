package template_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/template"
	"restencil/watch"
)

func parse(t *testing.T, text string, h template.Host) *template.Template {
	t.Helper()
	tmpl, err := template.Parse(template.Options{Name: "a", Text: text}, h)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// What an execution asks is recorded once, in order of first use, and what was
// recorded of one does not change with the next.
func TestExecutionsRecordWhatTheyAsk(t *testing.T) {
	tmpl := parse(t, `{{ range $k := split "," (key "names") }}{{ key $k }}{{ key $k }}{{ end }}{{ key "names" }}`, template.Host{})
	type recorded struct{ Used, Missing string }
	var results []template.Result
	var want, got []recorded
	for names, r := range map[string]recorded{
		"b,a,b,none,none": {"kv.get(names)\nkv.get(b)\nkv.get(a)\nkv.get(none)\n", "kv.get(none)\n"},
		"none,a":          {"kv.get(names)\nkv.get(none)\nkv.get(a)\n", "kv.get(none)\n"},
		"a":               {"kv.get(names)\nkv.get(a)\n", ""},
	} {
		r2, err := tmpl.Execute(t.Context(), answers(t, fmt.Sprintf("keys: {a: 1, b: 2, names: %q}", names)))
		if err != nil {
			t.Fatal(err)
		}
		results, want = append(results, r2), append(want, r)
	}
	for _, r := range results {
		got = append(got, recorded{lines(r.Used), lines(r.Missing)})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A template that asks without end ends in one error, as early as at its first
// execution, and nothing that it asked is watched unless it was before.
func TestTooManyQueries(t *testing.T) {
	tmpl := parse(t, `{{ range loop 1000000 }}{{ keyOrDefault (print "k" .) "" }}{{ end }}`, template.Host{})
	const known = 7
	asked := 0
	r, err := tmpl.Execute(t.Context(), func(watch.ID) *watch.Answer {
		if asked++; asked <= known {
			return &watch.Answer{}
		}
		return nil
	})
	const want = `a:1:28: in {{ keyOrDefault (print "k" .) "" }}: it makes more than 100000 different queries`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if asked != 100_000 || len(r.Used) != known || !r.Complete() {
		t.Errorf("%d asked, %d used, %d missing, want %d used", asked, len(r.Used), len(r.Missing), known)
	}
}

// A store that is set up while the program runs is asked from then on.
func TestStoreThatIsSetUpLater(t *testing.T) {
	there := false
	tmpl := parse(t, `{{ secrets "a" }}`, template.Host{Serves: func(watch.Store) bool { return there }})
	r, err := tmpl.Execute(t.Context(), answers(t, ""))
	if !errors.Is(err, watch.ErrNotConfigured) || len(r.Used) != 0 {
		t.Errorf("without a source: %v, used %v", err, r.Used)
	}
	there = true
	r, err = tmpl.Execute(t.Context(), answers(t, ""))
	if err != nil || len(r.Used) != 1 {
		t.Errorf("with a source: %v, used %v", err, r.Used)
	}
}

// A plugin runs once until the output is complete, and never to find a place.
func TestPluginsRunOnce(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "count")
	tmpl := parse(t, fmt.Sprintf(`{{ plugin "sh" "-c" "echo >>%[1]s; grep -c ^ %[1]s" }}{{ key "k" }}`, file), template.Host{})
	for i, step := range []struct{ data, want string }{
		{"keys: {}", "1"},
		{"keys: {}", "1"},
		{"keys: {k: x}", "1x"},
		{"keys: {k: x}", "2x"},
	} {
		r, err := tmpl.Execute(t.Context(), answers(t, step.data))
		if err != nil || string(r.Content) != step.want {
			t.Errorf("execution %d: %q, %v; want %q", i+1, r.Content, err, step.want)
		}
		if _, ok := tmpl.Locate(t.Context(), answers(t, step.data), keyQuery("k")); !ok {
			t.Errorf("execution %d: the key was not found", i+1)
		}
	}
	if runs, err := os.ReadFile(file); err != nil || len(runs) != 2 {
		t.Errorf("%d runs, %v; want 2", len(runs), err)
	}
}

func keyQuery(name string) watch.ID { return watch.Query{Kind: watch.KVGet, Name: name}.ID() }

// Of a service that is asked for in several ways the fewest instances count, but
// not those with a tag where it is asked for without one.
func TestInstancesOfServices(t *testing.T) {
	known := func(id watch.ID) *watch.Answer {
		q := id.Value()
		n := map[string]int{"": 5, "master": 1, "slave": 2}[q.Tag] + len(q.Filter)
		switch q.Kind {
		case watch.ServiceHealth:
			return &watch.Answer{Data: make([]*watch.HealthService, n)}
		case watch.NomadService:
			return &watch.Answer{Data: make([]*watch.NomadServiceInstance, n)}
		}
		return new(watch.Answer)
	}
	for text, want := range map[string]map[string]int{
		`{{ keyExists "k" }}`: nil,
		`{{ len (service "web|any") }}{{ len (service "web") }}`:             {"web": 5},
		`{{ len (service "web") }}{{ len (service "master.web") }}`:          {"web": 5},
		`{{ len (service "slave.web") }}{{ len (service "master.web") }}`:    {"web": 1},
		`{{ len (service "slave.web") }}{{ len (nomadService "slave.db") }}`: {"web": 2, "db": 2},
		`{{ len (nomadService "slave.db") }}{{ len (nomadService "db") }}`:   {"db": 5},
	} {
		r, err := parse(t, text, template.Host{}).Execute(t.Context(), known)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Instances); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}
