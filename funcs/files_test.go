package funcs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

func TestFile(t *testing.T) {
	runStoreTests(t, fakeExecution{data: map[string]any{"file(/etc/app)": "text\n", "file(rel)": "r", "file(/empty)": ""}}, []storeTest{
		{text: `{{ file "/etc/app" }}`, want: "text\n"},
		{text: `{{ file "  /etc/./x/../app " }}`, want: "text\n"},
		{text: `{{ file "./rel" }}{{ file "/empty" }}`, want: "r"},
		{text: `{{ file " " }}`, fail: `error calling file: file: invalid format: ""`},
	})
}

func TestFileSandbox(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(path string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, path string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
	}
	write("box/in")
	write("box/..dots")
	write("box/sub/deep")
	write("out")
	write("boxer/out")
	link("sub/deep", "box/good")
	link("../out", "box/bad")
	link("..", "box/up")
	link("box", "alias")

	in := func(path string) string { return filepath.Join(dir, path) }
	tests := []struct{ sandbox, path, want, fail string }{
		{"box", in("box/in"), in("box/in"), ""},
		{"box", in("box/sub/../in"), in("box/in"), ""},
		{"box", in("box/good"), in("box/sub/deep"), ""},
		{"box", in("box/..dots"), in("box/..dots"), ""},
		{"alias", in("box/in"), in("box/in"), ""},
		{"box", in("alias/in"), in("box/in"), ""},
		{"box", in("box"), in("box"), ""},
		{"box", in("out"), "", "is outside of sandbox"},
		{"box", in("boxer/out"), "", "is outside of sandbox"},
		{"box", in("box/../out"), "", "is outside of sandbox"},
		{"box", in("box/bad"), "", "is outside of sandbox"},
		{"box", in("box/up/out"), "", "is outside of sandbox"},
		{"box", in("box/nope"), "", "failed to resolve target path: "},
		{"nope", in("box/in"), "", "failed to resolve sandbox path: "},
		{"box", "files_test.go", "", "failed to get relative path: "},
	}
	for _, tt := range tests {
		q, err := fileQuery(in(tt.sandbox), tt.path)
		if tt.fail != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fail) {
				t.Errorf("%s in %s: %v, %v; want the error %s", tt.path, tt.sandbox, q, err, tt.fail)
			}
			continue
		}
		if want := (watch.Query{Kind: watch.FileContent, Name: tt.want, Params: in("box")}); err != nil || q != want {
			t.Errorf("%s in %s: %v, %v; want %v", tt.path, tt.sandbox, q, err, want)
		}
	}
}

// A refusal stops the template, and asks nothing.
func TestFileOutsideOfSandbox(t *testing.T) {
	f := &fakeExecution{}
	e, _ := storeEnv(f)
	e.Sandbox = t.TempDir()
	if _, err := e.file(t.TempDir()); err == nil || len(f.used) != 0 {
		t.Errorf("file gave %v and asked %v", err, f.used)
	}
}

func TestWriteToFile(t *testing.T) {
	p, err := parseTest(`{{ "body" | writeToFile "/etc/a" "" "" "0644" }}|{{ writeToFile "b" "0" "0" "4755" "append,newline" "x\n" }}` +
		`{{ writeToFile "c" "" "" "600" "newline" "" }}{{ writeToFile "d" "" "" "0" "append" "newline" "last" }}`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.render()
	if err != nil || got != "|" {
		t.Errorf("rendered %q, error %v", got, err)
	}
	want := []File{
		{Path: "/etc/a", Perms: 0o644, Content: "body"},
		{Path: "b", User: "0", Group: "0", Perms: 0o4755, Append: true, Content: "x\n\n"},
		{Path: "c", Perms: 0o600, Content: "\n"},
		{Path: "d", Content: "last"},
	}
	if diff := cmp.Diff(want, p.execution.files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestWriteToFileErrors(t *testing.T) {
	tests := []pureTest{
		{text: `{{ writeToFile "a" "" "" "0644" }}`, fail: "writeToFile: wrong number of arguments, expected 5 or 6, but got 4"},
		{text: `{{ writeToFile "a" "" "" "rw" "x" }}`, fail: `writeToFile: the permissions of a are "rw", which are not octal digits`},
		{text: `{{ writeToFile "a" "" "" "40000000000" "x" }}`, fail: "which are not octal digits"},
		{text: `{{ writeToFile "a" "no-such-user" "" "0644" "x" }}`, fail: "writeToFile: owner of a: user: unknown user no-such-user"},
		{text: `{{ writeToFile "a" "" "no-such-group" "0644" "x" }}`, fail: "writeToFile: group of a: group: unknown group no-such-group"},
		{text: `{{ writeToFile "a" "" "" 0644 "x" }}`, fail: "expected string; found 0644"},
		{text: `{{ writeToFile "a" "" "" "0644" 1 }}`, fail: "expected string; found 1"},
	}
	runPureTests(t, tests)
	for _, tt := range tests {
		p, err := parseTest(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.render(); err == nil || len(p.execution.files) > 0 {
			t.Errorf("%s: error %v, files %v", tt.text, err, p.execution.files)
		}
	}
}
