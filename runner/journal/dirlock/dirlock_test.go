//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package dirlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func take(t *testing.T, dir string) *Lock {
	t.Helper()
	l := New(dir)
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Take(true); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTake(t *testing.T) {
	dir := t.TempDir()
	first := take(t, dir)
	second := New(dir)
	err := second.Take(true)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("a second one: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.Take(false); err != nil || !second.Held() {
		t.Error(err)
	}
	_ = second.Close()
}

func TestTakeMissing(t *testing.T) {
	l := New(filepath.Join(t.TempDir(), "none"))
	defer l.Close()
	if err := l.Take(false); !errors.Is(err, fs.ErrNotExist) || l.Held() {
		t.Error(err)
	}
}

// TestMoved: where there is no name to lock, another process may have the directory
// that took the place of ours.
func TestMoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	mkdir := func() {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	mkdir()
	l := take(t, dir)
	if l.Moved() {
		t.Error("moved at once")
	}
	if l.name != nil {
		l.name.Close()
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	mkdir()
	other := take(t, dir)
	if !l.Moved() || l.Held() {
		t.Error("not moved")
	}
	if err := l.Take(true); !errors.Is(err, ErrInUse) {
		t.Errorf("taken again: %v", err)
	}
	if other.Moved() {
		t.Error("the other one moved")
	}
}
