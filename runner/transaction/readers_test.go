package transaction

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// Two renames are not one. But whoever reads both files after a swap, as the
// program does when it is reloaded, finds a pair, also when they were put back;
// each file by itself is always whole, and never has another mode than it was given.
func TestReadersSeeWholeFiles(t *testing.T) {
	b := newBench(t)
	times := 50 // a disk takes its time
	if dir, err := os.MkdirTemp("/dev/shm", "transaction"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		times, b.dir = 1000, dir
		b.put("sub/b", "", 0o600)
	}
	generation := func(n int) string { return strings.Repeat(fmt.Sprint(n, " "), 2000) }
	names, perms := []string{"a", "sub/b"}, []os.FileMode{0o644, 0o600}
	apply := func(n int) (*Transaction, *Change) {
		for i, name := range names {
			f := &b.change.Files[i]
			own := *f.Own
			own.Path, own.Content, own.Perm = b.at(name), []byte(generation(n)), perms[i]
			f.Destination, f.Own = own.Path, &own
		}
		b.change.Keep, b.change.Check.Args = true, nil
		tx, c := b.apply(t.Context())
		wantErr(t, c, "", "")
		return tx, c
	}
	wantPair := func(n int) {
		t.Helper()
		for _, name := range names {
			if got, err := os.ReadFile(b.at(name)); err != nil || string(got) != generation(n) {
				t.Errorf("%s holds %.10q (%v), want generation %d", name, got, err, n)
			}
		}
	}
	tx, _ := apply(0)
	tx.Discard()
	done := make(chan struct{})
	var readers sync.WaitGroup
	for i, name := range names {
		readers.Go(func() { sampleWhole(t, b.at(name), perms[i], done) })
	}
	for n := range times {
		tx, c := apply(n + 1)
		wantPair(n + 1)
		if n%10 == 5 {
			if err := tx.PutBack(c); err != nil {
				t.Error(err)
			}
			wantPair(n)
		}
		tx.Discard()
	}
	close(done)
	readers.Wait()
}

// sampleWhole reads a file until done, and finds a whole generation each time.
func sampleWhole(t *testing.T, path string, perm os.FileMode, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		content, err := os.ReadFile(path)
		first, _, _ := strings.Cut(string(content), " ")
		if err != nil || string(content) != strings.Repeat(first+" ", 2000) {
			t.Errorf("%s holds %.20q, %d bytes; %v", path, content, len(content), err)
			return
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != perm {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, perm)
			return
		}
	}
}
