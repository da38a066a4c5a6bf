//go:build unix

package apply

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/renderer"
)

// A site is a bench with files as nginx has them on Debian.
//
//	nginx.conf
//	conf.d/a.conf  conf.d/b.conf
//	sites-available/one  sites-available/two
//	sites-enabled/one -> ../sites-available/one, two -> (absolute) sites-available/two
func newSite(t *testing.T) *bench {
	b := newBench(t)
	for _, name := range []string{"etc/nginx.conf", "etc/conf.d/a.conf", "etc/conf.d/b.conf", "etc/sites-available/one", "etc/sites-available/two", "other/file"} {
		b.put(name, "old "+filepath.Base(name), 0o644)
	}
	b.link("../sites-available/one", "etc/sites-enabled/one")
	b.link(b.at("etc/sites-available/two"), "etc/sites-enabled/two")
	b.change = Change{Bundle: "web"}
	return b
}

func (b *bench) link(target, name string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(b.at(name)), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Symlink(target, b.at(name)); err != nil {
		b.t.Fatal(err)
	}
}

// member adds one whose new content is "new NAME".
func (b *bench) member(name string, perm fs.FileMode) {
	f := renderer.File{Path: b.at(name), Content: []byte("new " + filepath.Base(name)), Perm: perm}
	b.change.Members = append(b.change.Members, Member{Template: name + ".ctmpl", File: f})
}

// inTree applies b's change, and calls look with the staged tree's copy of its
// directory.
func (b *bench) inTree(look func(root string)) {
	b.t.Helper()
	var root string
	b.change.Check = Command{Args: []string{"check", "{{ .StagedRoot }}"}}
	b.onRun = func(c Command) {
		root = c.Args[1]
		look(filepath.Join(root, b.dir))
	}
	wantOutcome(b.t, b.apply(b.t.Context()), Applied, "")
	if root == "" {
		b.t.Error("never looked")
	}
	if _, err := os.Lstat(root); !errors.Is(err, fs.ErrNotExist) {
		b.t.Errorf("the tree is still there: %v", err)
	}
}

// contents returns what a program finds that walks a directory, and follows
// links.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	var walk func(dir, name string)
	walk = func(dir, name string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Error(err)
		}
		for _, e := range entries {
			path, name := filepath.Join(dir, e.Name()), name+e.Name()
			info, err := os.Stat(path)
			if err != nil {
				got[name] = err.Error()
				continue
			}
			if info.IsDir() {
				walk(path, name+"/")
				continue
			}
			content, _ := os.ReadFile(path)
			got[name] = string(content)
		}
	}
	walk(dir, "")
	return got
}

func TestStagedTree(t *testing.T) {
	b := newSite(t)
	b.member("etc/conf.d/a.conf", 0o600)
	b.member("etc/sites-available/one", 0)
	b.member("etc/sites-available/two", 0)
	b.member("etc/conf.d/deeper/still/c.conf", 0)
	b.put("etc/conf.d/.x.restencil-1", "left by a crash", 0o644)
	b.inTree(func(root string) {
		want := map[string]string{
			"a": "old a", "sub/b": "old b", "other/file": "old file",
			"etc/nginx.conf":                 "old nginx.conf",
			"etc/conf.d/a.conf":              "new a.conf",
			"etc/conf.d/b.conf":              "old b.conf",
			"etc/conf.d/deeper/still/c.conf": "new c.conf",
			"etc/sites-available/one":        "new one",
			"etc/sites-available/two":        "new two",
			"etc/sites-enabled/one":          "new one",
			"etc/sites-enabled/two":          "new two",
		}
		if diff := cmp.Diff(want, contents(t, root)); diff != "" {
			t.Errorf("in the tree (-want +got):\n%s", diff)
		}
		for name, want := range map[string]fs.FileMode{
			"etc/conf.d/a.conf": 0o600, // staged, as it will be
			"etc/conf.d":        fs.ModeDir | 0o755,
			"etc/conf.d/b.conf": fs.ModeSymlink | 0o777,
			"other":             fs.ModeSymlink | 0o777,
		} {
			info, err := os.Lstat(filepath.Join(root, name))
			if err != nil || info.Mode() != want {
				t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
			}
		}
		if info, err := os.Stat(strings.TrimSuffix(root, b.dir)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the root: %v, %v", info, err)
		}
	})
}

// Symbolic links on the way to a destination, and to the directory of one.
func TestStagedTreeAndLinkedDirectories(t *testing.T) {
	b := newSite(t)
	b.link("sites-available", "etc/current")
	b.link("current", "etc/now")
	b.link("etc", "alias")
	b.link("../../etc/conf.d", "other/way/in")
	b.member("alias/sites-available/one", 0)
	b.member("other/way/in/a.conf", 0)
	b.inTree(func(root string) {
		for name, want := range map[string]string{
			"alias/sites-available/one": "new one",
			"etc/sites-available/one":   "new one",
			"etc/current/one":           "new one",
			"etc/current/two":           "old two",
			"etc/now/one":               "new one",
			"etc/conf.d/a.conf":         "new a.conf",
			"other/way/in/a.conf":       "new a.conf",
			"other/way/in/b.conf":       "old b.conf",
			"alias/nginx.conf":          "old nginx.conf",
			"etc/sites-enabled/one":     "new one",
		} {
			if got, err := os.ReadFile(filepath.Join(root, name)); string(got) != want {
				t.Errorf("%s: %q, %v; want %q", name, got, err, want)
			}
		}
	})
}

// A destination that a link leads to before it has ever been written.
func TestStagedTreeOfNewFileWithLink(t *testing.T) {
	b := newSite(t)
	b.link("../sites-available/three", "etc/sites-enabled/three")
	b.member("etc/sites-available/three", 0)
	b.inTree(func(root string) {
		got, err := os.ReadFile(filepath.Join(root, "etc/sites-enabled/three"))
		if string(got) != "new three" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A destination that is a link is replaced itself, and so it is in the tree.
func TestStagedTreeOfReplacedLink(t *testing.T) {
	b := newSite(t)
	b.link("file", "other/link")
	b.member("other/link", 0)
	b.inTree(func(root string) {
		for name, want := range map[string]string{"other/link": "new link", "other/file": "old file"} {
			if got, err := os.ReadFile(filepath.Join(root, name)); string(got) != want {
				t.Errorf("%s: %q, %v; want %q", name, got, err, want)
			}
		}
	})
}

// It is made only for who needs it.
func TestStagedTreeIsMadeOnDemand(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "check.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	fifo := filepath.Join(dir, "fifo") // which must not be waited for
	if err := exec.Command("mkfifo", fifo).Run(); err != nil {
		t.Log(err)
	}
	tests := []struct {
		args []string
		want bool
	}{
		{[]string{"check"}, false},
		{[]string{"sh", "-c", "true"}, false},
		{[]string{"cat", fifo, dir, "/nonexistent", ""}, false},
		{[]string{"check", "{{.StagedRoot}}"}, true},
		{[]string{`nginx -t -c "$RESTENCIL_STAGED_ROOT/etc/nginx.conf"`}, true},
		{[]string{script}, true},
		{[]string{"check.sh"}, true},
		{[]string{"sh", script, "-x"}, true},
		{[]string{"sh '" + script + "' -x"}, true},
	}
	for _, tt := range tests {
		b := newSite(t)
		b.member("etc/nginx.conf", 0)
		b.change.Check.Args = tt.args
		var got bool
		b.onRun = func(c Command) { got = strings.Contains(strings.Join(c.Env, "\n"), "RESTENCIL_STAGED_ROOT=") }
		wantOutcome(t, b.apply(t.Context()), Applied, "")
		if got != tt.want {
			t.Errorf("%q: made %v", tt.args, got)
		}
	}
}

// Where no tree can be made, who asks for it fails, and who might do without is
// run without.
func TestStagedTreeThatCannotBeMade(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	script := filepath.Join(t.TempDir(), "check.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := newSite(t)
	b.member("etc/nginx.conf", 0)
	t.Setenv("TMPDIR", missing)

	b.change.Check.Args = []string{"check", "{{ .StagedRoot }}"}
	before := b.look()
	out := b.apply(t.Context())
	if out.Step != Check || out.Err == nil || !strings.Contains(out.Err.Error(), "making the staged tree: ") || b.log[len(b.log)-1] != "> check" {
		t.Errorf("outcome %+v, log %q", out, b.log)
	}
	b.wantAsBefore(before)

	b.change.Check.Args = []string{script}
	out = b.apply(t.Context())
	wantOutcome(t, out, Applied, "")
	if len(out.Warnings) != 1 {
		t.Errorf("warnings %v", out.Warnings)
	}
}

// The same file on another file system is a copy with the same mode, and a
// secret one never a copy.
func TestStagedTreeOnAnotherFileSystem(t *testing.T) {
	const shm = "/dev/shm"
	other, err := os.MkdirTemp(shm, "apply")
	if err != nil {
		t.Skip(err)
	}
	defer os.RemoveAll(other)
	b := newBench(t)
	if os.Link(b.at("a"), filepath.Join(other, "a")) == nil {
		t.Skip("the same file system")
	}
	b.dir = other
	b.change = Change{Bundle: "web"}
	b.put("plain", "old", 0o640)
	b.put("secret", "old", 0o640)
	b.member("plain", 0o604)
	b.member("secret", 0o600)
	b.change.Members[1].Secret = true
	b.inTree(func(root string) {
		for name, want := range map[string]fs.FileMode{"plain": 0o604, "secret": fs.ModeSymlink | 0o777} {
			path := filepath.Join(root, name)
			info, err := os.Lstat(path)
			if err != nil || info.Mode() != want {
				t.Errorf("%s: %v, %v; want %v", name, info, err, want)
			}
			if got, _ := os.ReadFile(path); string(got) != "new "+name {
				t.Errorf("%s holds %q", name, got)
			}
		}
	})
}
