//go:build unix

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Two readers have read the same unless a content differs, or whether there was a file.
func TestSame(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	read := func() *Reader {
		r := new(Reader)
		for _, path := range []string{path, other} {
			if _, err := r.Template(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		return r
	}
	write := func(path, content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(path, "one")
	before := read()
	if !before.Same(read()) {
		t.Error("nothing has changed, and it is not the same")
	}
	for _, change := range []func(){
		func() { write(path, "two") },
		func() { write(other, "") },
		func() { write(path, "") },
		func() { os.Remove(path) },
	} {
		change()
		now := read()
		if before.Same(now) {
			t.Errorf("%q and %q are the same", before.read, now.read)
		}
		before = now
	}
}

// What the shell has opened is read once. It is not compared: it cannot change.
func TestOpened(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("text"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	first, second := new(Reader), new(Reader)
	if text, err := first.Template(path); text != "text" || err != nil {
		t.Errorf("first %q (%v)", text, err)
	}
	second.Opened = first.Opened
	if text, err := second.Template(path); text != "text" || err != nil {
		t.Errorf("then %q (%v)", text, err)
	}
	if !first.Same(new(Reader)) {
		t.Error("it is compared")
	}
}
