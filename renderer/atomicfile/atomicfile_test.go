package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// want checks what the file at path holds, and that nothing is beside it.
func want(t *testing.T, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != content {
		t.Errorf("%s holds %q, %v; want %q", path, got, err, content)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside it: %v, %v", entries, err)
	}
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	for _, content := range []string{"one", "", "three"} {
		if err := Write(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		want(t, path, content)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
}

// What a crash left does not keep the file from being written, and does not
// show in it.
func TestWriteAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path+".new", []byte("half of something long"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("whole")); err != nil {
		t.Fatal(err)
	}
	want(t, path, "whole")
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
}

// Who has the file open, or looks at it at any time, sees a whole one.
func TestWriteReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := Write(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := Write(path, []byte("two")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	if n, err := old.Read(b); err != nil || string(b[:n]) != "one" {
		t.Errorf("the old file holds %q, %v", b[:n], err)
	}
}

func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing", "a")
	if err := Write(missing, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Dir(missing)) {
		t.Errorf("in a directory that is not there: %v", err)
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(taken, nil); err == nil {
		t.Error("a directory was replaced")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	wrong := errors.New("wrong")
	fill := func(err error) func(*os.File) error {
		return func(f *os.File) error {
			_, writeErr := f.WriteString("text")
			return errors.Join(err, writeErr)
		}
	}
	if err := Create(nil, path, 0o600, fill(wrong)); !errors.Is(err, wrong) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after an error: %v", err)
	}
	if err := Create(nil, path, 0o600, fill(nil)); err != nil {
		t.Fatal(err)
	}
	want(t, path, "text")
	if err := Create(nil, path, 0o600, fill(nil)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	want(t, path, "text")
}

func TestSyncDir(t *testing.T) {
	dir := t.TempDir()
	if err := SyncDir(dir); err != nil {
		t.Error(err)
	}
	if err := SyncDir(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a missing one: %v", err)
	}
}
