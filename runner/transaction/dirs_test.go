package transaction_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"restencil/funcs"
	"restencil/renderer"
	"restencil/runner/transaction"
)

// newChange returns a change whose template writes a file besides.
func newChange(path, content string) *transaction.Change {
	return &transaction.Change{Files: []transaction.File{{
		Template: "t", Destination: "d", Extras: []funcs.File{{Path: path, Perms: 0o600, Content: content}},
	}}}
}

// Somebody puts a link in the place of a directory after the look at it: what it
// leads to is not written to.
func TestWriteToFileGoesThroughNoLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open directory cannot be moved")
	}
	dir := t.TempDir()
	asked, moved, victim := filepath.Join(dir, "asked"), filepath.Join(dir, "moved"), filepath.Join(dir, "victim")
	for _, d := range []string{asked, victim} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, content := range []string{"one", "two"} {
		c := newChange(filepath.Join(asked, "file"), content)
		c.Keep = true
		tx := transaction.New(transaction.Tools{Writer: func(string) string { return "" }}, c)
		tx.Stage(t.Context())
		if err := errors.Join(os.Rename(asked, moved), os.Symlink(victim, asked)); err != nil {
			t.Fatal(err)
		}
		tx.Swap()
		if c.Err != nil {
			t.Error(c.Err)
		}
		if got, err := os.ReadFile(filepath.Join(moved, "file")); err != nil || string(got) != content {
			t.Errorf("the file holds %q, %v; want %q", got, err, content)
		}
		if content == "two" {
			if err := tx.PutBack(c); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(filepath.Join(moved, "file")); err != nil || string(got) != "one" {
				t.Errorf("put back, the file holds %q, %v", got, err)
			}
		}
		tx.Discard()
		for path, most := range map[string]int{victim: 0, moved: 1} {
			entries, err := os.ReadDir(path)
			if err != nil || len(entries) > most {
				t.Errorf("in %s: %v, %v", path, entries, err)
			}
		}
		if err := errors.Join(os.Remove(asked), os.Rename(moved, asked)); err != nil {
			t.Fatal(err)
		}
	}
}

// Where the work is to end, no more files are looked at.
func TestStageEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	c := newChange(filepath.Join(dir, "file"), "x")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := errors.New("ended")
	cancel(ended)
	tx := transaction.New(transaction.Tools{Writer: func(string) string { return "" }}, c)
	tx.Stage(ctx)
	tx.Discard()
	if !errors.Is(c.Err, ended) {
		t.Errorf("error %v", c.Err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made")
	}
}

// What goes to a stream goes there last: it cannot be put back.
func TestStreamsComeLast(t *testing.T) {
	dir := t.TempDir()
	var shown writes
	c := &transaction.Change{Files: []transaction.File{
		{Template: "a", Destination: "/dev/stdout", Own: &renderer.File{Path: "/dev/stdout", Content: []byte("x"), Stream: &shown}},
		{Template: "b", Destination: dir, Own: &renderer.File{Path: filepath.Join(dir, "b"), Content: []byte("x")}},
	}}
	tx := transaction.New(transaction.Tools{Writer: func(string) string { return "" }}, c)
	defer tx.Discard()
	tx.Stage(t.Context())
	if err := os.Mkdir(filepath.Join(dir, "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if tx.Swap(); c.Err == nil || len(shown) > 0 {
		t.Errorf("error %v, written %q", c.Err, shown)
	}
}

type writes []string

func (w *writes) Write(b []byte) (int, error) {
	*w = append(*w, string(b))
	return len(b), nil
}
