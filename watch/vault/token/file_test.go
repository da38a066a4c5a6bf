package token

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The file of a session that an agent keeps: missing at first, then renamed
// into place, then reached by a symbolic link that is swapped.
func TestFileOnDisk(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	s, err := New(Options{File: path}, defaultRetry, newTokenModel(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	defer running.Wait()
	defer cancel()

	awaitCurrent(t, s, func(_ Epoch, err error) bool { return err != nil && err != ErrPending })
	next := write(t, filepath.Join(dir, ".new"), []byte("one\n"))
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	awaitCurrent(t, s, func(c Epoch, _ error) bool { return c.Token == "one" && c.Number == 1 })
	write(t, filepath.Join(dir, "target"), []byte("two"))
	if err := os.Symlink("target", next); err != nil {
		t.Skip(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	awaitCurrent(t, s, func(c Epoch, _ error) bool { return c.Token == "two" && c.Number == 2 })
}

// awaitCurrent waits until current says what is wanted.
func awaitCurrent(t *testing.T, s *Manager, wanted func(Epoch, error) bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for {
		c, err := s.Current()
		if wanted(c, err) {
			return
		}
		select {
		case <-s.Changed():
		case <-deadline.C:
			t.Fatalf("still %q, %v", string(c.Token), err)
		}
	}
}
