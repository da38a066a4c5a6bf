package unittest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/cmd/restencil/unittest"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Tests run side by side, in several directories, and the working directory is what it
// was when they have ended.
func TestManyTests(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"a", "b"} {
		file := "data: {keys: {a: A}, secrets: {s: {n: 1}}}\nenv: {HOST: h}\ntests:\n"
		for i := range 100 {
			file += fmt.Sprintf("  - {name: n%d, env: {N: %q}, output: %q}\n", i, fmt.Sprint(i), fmt.Sprintf("%s A 1 h %d", name, i%50))
		}
		write(t, name+"/t_test.yaml", file)
		write(t, name+"/t.ctmpl", `{{ file "here" }} {{ key "a" }} {{ with secret "s" }}{{ .Data.n }}{{ end }} {{ env "HOST" }} {{ env "N" }}`)
		write(t, name+"/here", name)
	}
	var tests []*unittest.Test
	for _, file := range []string{"a/t_test.yaml", filepath.Join(dir, "b/t_test.yaml")} {
		loaded, err := unittest.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, loaded...)
	}
	results, err := unittest.Run(t.Context(), tests, unittest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if failed := len(r.Failures) > 0; failed != (i%100 >= 50) || r.Test != tests[i] {
			t.Errorf("%s: %s: %v", r.File, r.Name, r.Failures)
		}
	}
	if now, err := os.Getwd(); err != nil || now != dir {
		t.Errorf("the working directory is %s (%v), want %s", now, err, dir)
	}
}

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"a_test.yaml", "x/b_test.yaml", "x/y/c_test.yaml", "x/.git/d_test.yaml", "x/b.yaml", "x/b_test.yml"} {
		write(t, path, "")
	}
	all := []string{"a_test.yaml", "x/b_test.yaml", "x/y/c_test.yaml"}
	for _, c := range []struct {
		paths string
		want  []string
	}{
		{".", all}, {"x", all[1:]}, {"x/y a_test.yaml", []string{"x/y/c_test.yaml", "a_test.yaml"}}, {"x/b.yaml", []string{"x/b.yaml"}},
	} {
		got, err := unittest.Find(strings.Fields(c.paths))
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: (-want +got): %v\n%s", c.paths, err, diff)
		}
	}
	if got, err := unittest.Find([]string{"nosuch"}); err == nil {
		t.Errorf("nosuch: %v", got)
	}
}

// FuzzLoad: whatever a file has, there are tests, each of which has a name, or an error
// in one line.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"tests: [{name: a, output: b}]", "tests: {name: a, check: true}", "config: x\nbundle: y\ntests:\n  - {name: a, waits: [key a], env: {A: b}}",
		"data: {keys: &k {a: b}}\ntests:\n  - {name: a, data: {keys: *k}, golden: {a: b}}", "tests: [a, [], null]", "env: 3", "data: .", "template: [",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "x_test.yaml")
		write(t, path, text)
		tests, err := unittest.Load(path)
		switch {
		case err != nil && strings.Count(err.Error(), "\n") > 0:
			t.Errorf("%q: error of several lines: %v", text, err)
		case err == nil && (len(tests) == 0 || slices.ContainsFunc(tests, func(test *unittest.Test) bool { return test.Name == "" || test.Line == 0 })):
			t.Errorf("%q: %v", text, tests)
		}
	})
}
