package funcs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"restencil/watch"
)

func TestFile(t *testing.T) {
	runStoreTests(t, fakeStore{data: map[string]any{"file(/etc/app)": "text\n", "file(rel)": "r", "file(/empty)": ""}}, []storeTest{
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
		{"box", "file_test.go", "", "failed to get relative path: "},
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
	f := &fakeStore{}
	e, _ := storeEnv(f)
	e.Sandbox = t.TempDir()
	if _, err := e.file(t.TempDir()); err == nil || len(f.used) != 0 {
		t.Errorf("file gave %v and asked %v", err, f.used)
	}
}
