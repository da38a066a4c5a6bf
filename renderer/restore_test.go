package renderer_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/renderer"
)

// stageKept stages files, with Keep set, and discards them when the test ends.
func stageKept(t *testing.T, files ...renderer.File) []*renderer.StagedFile {
	t.Helper()
	var all []*renderer.StagedFile
	for _, f := range files {
		f.Keep = true
		s, err := renderer.Stage(f)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Discard)
		all = append(all, s)
	}
	return all
}

func TestKeepBeforeSwap(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("replaced"), "old", 0o600)
	put(t, at("same"), "old", 0o600)
	put(t, at("repaired"), "old", 0o666)
	before, ino := tree(t, dir), inode(t, at("replaced"))
	all := stageKept(t,
		renderer.File{Path: at("replaced"), Content: []byte("new"), Perm: 0o644},
		renderer.File{Path: at("same"), Content: []byte("old")},
		renderer.File{Path: at("repaired"), Content: []byte("old"), Perm: 0o600},
		renderer.File{Path: at("created"), Content: []byte("new")},
	)
	for range 2 { // the second time it is done already
		if err := renderer.Keep(all...); err != nil {
			t.Fatal(err)
		}
	}
	kept := all[0].Kept()
	for i, s := range all {
		if (s.Kept() != "") != (i == 0) || (s.Temp() != "") != (i == 0 || i == 3) {
			t.Errorf("%d: kept as %q, staged as %q", i, s.Kept(), s.Temp())
		}
		for _, name := range []string{s.Kept(), s.Temp()} {
			if name != "" && !renderer.IsTemp(name) {
				t.Errorf("%s is no temporary name", name)
			}
		}
	}
	if !os.SameFile(ino, inode(t, kept)) {
		t.Error("kept as another file")
	}
	if r := renderer.SwapGroups(false, all)[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	if all[0].Kept() != kept || all[0].Temp() != "" {
		t.Errorf("after the swap kept as %q, staged as %q", all[0].Kept(), all[0].Temp())
	}
	if err := renderer.Restore(all...); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, before)
	if !os.SameFile(ino, inode(t, at("replaced"))) {
		t.Error("the old content is back under a new inode")
	}
}

// Who did not ask for it has nothing kept.
// A file that is to be removed goes with the others, and comes back with them.
func TestRemove(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("gone"), "old", 0o640)
	put(t, at("target"), "old", 0o600)
	if err := os.Symlink("target", at("link")); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	all := stageKept(t,
		renderer.File{Path: at("gone"), Remove: true},
		renderer.File{Path: at("link"), Remove: true},
		renderer.File{Path: at("never"), Remove: true},
		renderer.File{Path: at("new"), Content: []byte("new")},
	)
	for i, want := range []bool{true, true, false, false} {
		if all[i].Removes() != want {
			t.Errorf("%d: Removes is %v", i, !want)
		}
	}
	if r := renderer.SwapGroups(false, all)[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	for name, want := range map[string]bool{"gone": false, "link": false, "target": true, "never": false, "new": true} {
		if _, err := os.Lstat(at(name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := renderer.Restore(all...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	for _, path := range []string{dir, at("gone/file")} { // a directory, and a file in place of one
		if s, err := renderer.Stage(renderer.File{Path: path, Remove: true}); err != nil || s.Removes() {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestKeepIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	put(t, path, "old", 0o644)
	s, err := renderer.Stage(renderer.File{Path: path, Content: []byte("new")})
	if err != nil {
		t.Fatal(err)
	}
	if err := renderer.Keep(s); err != nil || s.Kept() != "" {
		t.Errorf("kept as %q, %v", s.Kept(), err)
	}
	if r := swapEach(s)[0]; r.Err != nil {
		t.Error(r.Err)
	}
	if got := len(tree(t, dir)); got != 1 {
		t.Errorf("%d files", got)
	}
}

func TestSwapIsAllOrNothing(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	var files []renderer.File
	for _, name := range []string{"a", "b", "c", "d"} {
		put(t, filepath.Join(dir, name), "old", 0o640)
		files = append(files, renderer.File{Path: filepath.Join(dir, name), Content: []byte("new")})
	}
	all := stageKept(t, files...)
	if err := renderer.Keep(all...); err != nil {
		t.Fatal(err)
	}
	os.Remove(files[2].Path) // and what came in the way
	if err := os.Mkdir(files[2].Path, 0o755); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other")
	alone := stageKept(t, renderer.File{Path: other, Content: []byte("new")})
	results := renderer.SwapGroups(false, all, alone)
	want := "failed writing file: rename " + files[2].Path + ": file exists"
	if err := results[0].Err; err == nil || err.Error() != want || results[0].Failed != 2 || results[0].RestoreErr != nil {
		t.Errorf("%+v, want %s", results[0], want)
	}
	if r := results[1]; r.Err != nil || r.Files[0].Change != renderer.Replaced {
		t.Errorf("the other group: %+v", r)
	}
	alone[0].Discard()
	old := "-rw-r----- old"
	wantTree(t, dir, map[string]string{"a": old, "b": old, "c": "dir", "d": old, "other": "-rw-r--r-- new"})
}

func TestRestoreThatFailsSaysWhereTheOldFileIs(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	put(t, path, "old", 0o640)
	all := stageKept(t, renderer.File{Path: path, Content: []byte("new")})
	if r := renderer.SwapGroups(false, all)[0]; r.Err != nil {
		t.Fatal(r.Err)
	}
	os.Remove(path)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	kept := all[0].Kept()
	err := renderer.Restore(all...)
	if err == nil || !strings.HasSuffix(err.Error(), "(its old content is in "+kept+")") {
		t.Errorf("error %v", err)
	}
	if got, err := os.ReadFile(kept); string(got) != "old" {
		t.Error("the only copy of the old file is gone: ", err)
	}
	os.Remove(path)
	if err := renderer.Restore(all...); err != nil {
		t.Error(err)
	}
	wantTree(t, dir, map[string]string{"a": "-rw-r----- old"})
}

func TestIsTemp(t *testing.T) {
	for name, want := range map[string]bool{
		".a.restencil-0az9":              true,
		"/etc/nginx/.a.conf.restencil-1": true,
		".a.restencil-b.restencil-1":     true,
		"a.restencil-1":                  false,
		".restencil-1":                   false,
		".a.restencil-":                  false,
		".a.restencil-1.conf":            false,
		".a.restencil-A":                 false,
		".a":                             false,
		"":                               false,
	} {
		if got := renderer.IsTemp(name); got != want {
			t.Errorf("IsTemp(%q) = %v", name, got)
		}
	}
}

func TestDirPerm(t *testing.T) {
	notOnWindows(t)
	tests := []struct {
		perm, parent fs.FileMode
		want         fs.FileMode
	}{
		{0, 0o755, 0o755},
		{0o700, 0o755, 0o700},
		{0o777, 0o755, 0o777}, // the umask does not apply
		{0o750, 0o755 | fs.ModeSetgid, 0o750 | fs.ModeSetgid},
		{0o770 | fs.ModeSetgid, 0o755, 0o770 | fs.ModeSetgid},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.perm, " in ", tt.parent), func(t *testing.T) {
			top := t.TempDir()
			if err := os.Chmod(top, tt.parent); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(top, "a", "b", "out")
			for _, content := range []string{"1", "2"} {
				f := renderer.File{Path: path, Content: []byte(content), DirPerm: tt.perm}
				if _, err := renderer.Write(f); err != nil {
					t.Fatal(err)
				}
			}
			for _, dir := range []string{"a", "a/b"} {
				got := inode(t, filepath.Join(top, dir)).Mode()
				if got&^fs.ModeDir != tt.want {
					t.Errorf("%s has mode %v, want %v", dir, got, tt.want)
				}
			}
			if got := inode(t, top).Mode() &^ fs.ModeDir; got != tt.parent {
				t.Errorf("the directory that was there has mode %v, want %v", got, tt.parent)
			}
		})
	}
}
