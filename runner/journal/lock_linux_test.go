package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRemoved: a directory that was removed is still the process's own, and is
// made anew by the next write, which is told.
func TestRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	remade := 0
	j := open(t, dir, Options{Remade: func() { remade++ }})
	check(t, j.Owe("b", "1", nil))
	check(t, j.Owe("b", "2", nil))
	if remade != 0 {
		t.Errorf("made anew %d times before", remade)
	}
	check(t, os.RemoveAll(dir))
	wantInUse(t, dir)
	check(t, j.Owe("b", "3", nil))
	wantInUse(t, dir)
	if st, err := open(t, dir, Options{ReadOnly: true}).State("b"); err != nil || st.Desired != "3" || remade != 1 {
		t.Errorf("on disk: %+v, %v; made anew %d times", st, err, remade)
	}
	check(t, j.Close())
	wantState(t, open(t, dir, Options{}), State{Desired: "3"})
}

func wantInUse(t *testing.T, dir string) {
	t.Helper()
	other := open(t, dir, Options{})
	_, err := other.Recover()
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("a second one: %v", err)
	}
	if err := other.Owe("b", "9", nil); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one writes: %v", err)
	}
}

func TestUntrusted(t *testing.T) {
	dir := t.TempDir()
	refused := func(want string) {
		t.Helper()
		j := open(t, dir, Options{})
		_, err := j.Recover()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Recover: %v, want %q", err, want)
		}
		if err := j.Owe("b", "1", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Owe: %v, want %q", err, want)
		}
		if there, _ := os.ReadDir(dir); len(there) > 0 {
			t.Errorf("there is %v", there)
		}
	}
	check(t, os.Chmod(dir, 0o775))
	refused("others may write to it (mode 0775)")
	check(t, os.Chmod(dir, 0o755))
	if os.Getuid() == 0 {
		check(t, os.Chown(dir, 12345, 0))
		refused("it belongs to uid 12345, and this process runs as uid 0")
		check(t, os.Chown(dir, 0, 0))
	}
	check(t, open(t, dir, Options{}).Owe("b", "1", nil))
}
