package template_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"restencil/template"
	"restencil/watch"
	"restencil/watch/local"
)

// TestGolden executes testdata/*.txtar. Each has a template and a data file
// for package local; want is the output of a complete execution, used and
// missing are queries, a line each, and error is what Execute or Parse says.
// Files that are not there are not looked at.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) { golden(t, f) })
	}
}

func golden(t *testing.T, path string) {
	arch, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	part := make(map[string]string)
	for _, f := range arch.Files {
		part[f.Name] = string(f.Data)
	}
	result, err := render(t, part["template"], part["data.yaml"])
	got := map[string]string{
		"want":    string(result.Content),
		"used":    lines(result.Used),
		"missing": lines(result.Missing),
		"error":   fmt.Sprintln(err),
	}
	if err != nil && part["error"] == "" {
		t.Fatal(err)
	}
	for name, want := range part {
		if got, ok := got[name]; ok {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}

// render executes text with data until nothing more is to be had.
func render(t *testing.T, text, data string) (template.Result, error) {
	t.Helper()
	tmpl, err := template.Parse(template.Options{Name: "test.ctmpl", Text: text}, template.Host{
		LookupEnv: func(name string) (string, bool) { return "value of " + name, name != "UNSET" },
		Serves:    func(s watch.Store) bool { return s != watch.Vault },
	})
	if err != nil {
		return template.Result{}, err
	}
	return tmpl.Execute(t.Context(), answers(t, data))
}

// answers are those of a data file; nothing is known where there is none.
func answers(t *testing.T, data string) template.Answers {
	t.Helper()
	if data == "" {
		return func(watch.ID) *watch.Answer { return nil }
	}
	m, err := local.Parse("data.yaml", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return func(id watch.ID) *watch.Answer {
		d, err := m.Answer(id.Value())
		if err != nil {
			t.Fatal(err)
		}
		return &watch.Answer{Data: d, Last: d}
	}
}

func lines(queries []watch.ID) string {
	var b strings.Builder
	for _, q := range queries {
		fmt.Fprintln(&b, q.Value())
	}
	return b.String()
}

func TestLocate(t *testing.T) {
	tmpl, err := template.Parse(template.Options{Name: "a.ctmpl", Text: "one\n{{ if true }}\n  {{ key \"k\" }}{{ end }}"}, template.Host{})
	if err != nil {
		t.Fatal(err)
	}
	q := keyQuery("k")
	at, ok := tmpl.Locate(t.Context(), answers(t, "keys: {k: 1}"), q)
	want := template.Position{Name: "a.ctmpl", Line: 3, Column: 6, Expr: `key "k"`}
	if !ok || at != want {
		t.Errorf("Locate = %+v, %v; want %+v", at, ok, want)
	}
	if at.String() != "a.ctmpl:3:6" {
		t.Errorf("position %q", at)
	}
	if _, ok := tmpl.Locate(t.Context(), answers(t, "keys: {}"), keyQuery("other")); ok {
		t.Error("Locate found a query that is not asked")
	}
	// Looking leaves nothing behind.
	r, err := tmpl.Execute(t.Context(), answers(t, "keys: {k: 1}"))
	if err != nil || string(r.Content) != "one\n\n  1" {
		t.Errorf("after Locate: %q, %v", r.Content, err)
	}
}

func TestErrorKeepsWhatWasUsed(t *testing.T) {
	tmpl, err := template.Parse(template.Options{Name: "a", Text: `{{ key "k" }}{{ parseInt "x" }}`}, template.Host{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := tmpl.Execute(t.Context(), answers(t, ""))
	var e *template.Error
	if !errors.As(err, &e) || e.Line != 1 {
		t.Fatalf("error %v, want an *Error of line 1", err)
	}
	if len(r.Used) != 1 || len(r.Missing) != 1 || r.Complete() {
		t.Errorf("used %v, missing %v: the key before the error was forgotten", r.Used, r.Missing)
	}
}

func TestExecutionsAreIndependent(t *testing.T) {
	tmpl, err := template.Parse(template.Options{Name: "a", Text: `{{ scratch.SetX "n" (key "k") }}{{ scratch.Get "n" }}`}, template.Host{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := tmpl.Execute(t.Context(), answers(t, "keys: {k: 1}"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := tmpl.Execute(t.Context(), answers(t, "keys: {k: 2}"))
	if err != nil {
		t.Fatal(err)
	}
	if string(first.Content) != "1" || string(second.Content) != "2" {
		t.Errorf("outputs %q and %q, want 1 and 2", first.Content, second.Content)
	}
}

func TestLimits(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"output", `{{ range loop 1000 }}0123456789{{ end }}`, "the output is larger than 5000 bytes"},
		{"time", `{{ range loop 1000000000 }}{{ "" }}{{ end }}`, "it took longer than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := template.Parse(template.Options{
				Name: "a", Text: tt.text, MaxOutput: 5000, MaxTime: 50 * time.Millisecond,
			}, template.Host{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = tmpl.Execute(t.Context(), answers(t, ""))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Execute: %v, want %q", err, tt.want)
			}
		})
	}
}

// BenchmarkExecute executes a template of 1,000 keys and 1,000 instances, all
// known, which it has executed before.
func BenchmarkExecute(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "{{ key \"app/%d\" }}\n", i)
	}
	text.WriteString(`{{ range service "web" }}server {{ .Address }}:{{ .Port }};{{ end }}`)
	tmpl, err := template.Parse(template.Options{Name: "a", Text: text.String()}, template.Host{})
	if err != nil {
		b.Fatal(err)
	}
	instances := slices.Repeat([]*watch.HealthService{{Address: "10.0.0.1", Port: 80}}, 1000)
	known := func(id watch.ID) *watch.Answer {
		if q := id.Value(); q.Kind == watch.KVGet {
			pair := &watch.KeyPair{Value: q.Name}
			return &watch.Answer{Data: pair, Last: pair}
		}
		return &watch.Answer{Data: instances, Last: instances}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tmpl.Execute(b.Context(), known); err != nil {
			b.Fatal(err)
		}
	}
}
