package renderer

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestVolumeFails sees to it that nothing goes in place that is not on stable
// storage.
func TestVolumeFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	v := &volume{}
	s, err := put(v, File{Path: path, Content: []byte("new")})
	if err != nil {
		t.Fatal(err)
	}
	v.err = &os.PathError{Op: "syncfs", Path: filepath.Dir(path), Err: errors.New("input/output error")}
	err = s.putSynced()
	if want := "failed writing file: syncfs " + path + ": input/output error"; err == nil || err.Error() != want {
		t.Errorf("error: %v, want %q", err, want)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("the file holds %q", got)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

// TestVolumeOfNothing: where every file is right already there is nothing to
// sync. A root that is closed would make that fail.
func TestVolumeOfNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "conf")
	if err := os.WriteFile(path, []byte("right"), 0o644); err != nil {
		t.Fatal(err)
	}
	root, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	root.Close()
	v := &volume{root: root}
	for _, c := range []struct {
		content string
		synced  bool
	}{{"right", false}, {"new", runtime.GOOS == "linux"}} {
		s, err := put(v, File{Path: path, Content: []byte(c.content)})
		if err != nil {
			t.Fatal(err)
		}
		syncVolumes([]*Staged{nil, s})
		if synced := v.err != nil; synced != c.synced {
			t.Errorf("%q: synced: %t", c.content, synced)
		}
		s.Discard()
	}
}

func TestOpenVolumes(t *testing.T) {
	dir := t.TempDir()
	of := func(dir string, n int) []File {
		files := make([]File, n)
		for i := range files {
			files[i].Path = filepath.Join(dir, string(rune('a'+i)))
		}
		return files
	}
	for _, c := range []struct {
		files []File
		want  bool
		what  string
	}{
		{of(dir, many-1), false, "few files"},
		{of(filepath.Join(dir, "missing"), many), false, "files in a directory that is not there"},
		{append(of(dir, many-1), of(filepath.Join(dir, "missing"), 1)...), false, "few files that are there"},
		{of(dir, many), littleUnwritten(), "many files"},
	} {
		vs := openVolumes(c.files)
		if got := vs.of(c.files[0], true) != nil; got != c.want {
			t.Errorf("%s are synced together: %t", c.what, got)
		}
		if vs.of(c.files[0], false) != nil {
			t.Errorf("%s: one of several for a destination is synced with others", c.what)
		}
		vs.close()
	}
}
