package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"restencil/runner/journal/swap"
)

// FuzzRecord reads any file as a bundle's: what can be read is the same when it
// has been written again.
func FuzzRecord(f *testing.F) {
	seed := record{Version: version, Bundle: "b", State: State{Desired: "1", Applied: "2", Files: []string{"x"}}}
	seed.Swap = &swapRecord{Swap: swap.Swap{Moves: []swap.Move{{Path: "/a/x", Temp: "/a/.x.restencil-1", Kept: "/a/.x.restencil-2", Old: "1", New: "2"}}}}
	line, err := seed.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add(append(line, line[:20]...))
	f.Add([]byte("\n\n"))
	f.Add([]byte("{\"version\":1}\n\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, end, err := lastRecord(data)
		if err != nil {
			return
		}
		if end < 1 || end > len(data) {
			t.Fatalf("it ends at %d of %d", end, len(data))
		}
		line, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := lastRecord(append(data[:end:end], line...))
		check(t, err)
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("written again it differs (-first +again):\n%s", diff)
		}
	})
}

// sealed returns text as a line with its checksum.
func sealed(text string) []byte { return []byte(checksum([]byte(text)) + " " + text + "\n") }

// FuzzFile starts with any file as a bundle's.
func FuzzFile(f *testing.F) {
	f.Add(sealed(`{"version":2,"bundle":"b","desired":"1","swap":{"moves":[]}}`))
	f.Add(sealed(`{"version":2,"bundle":"b","swap":{"moves":[{"path":"/a/x","temp":"/a/.x.restencil-1","new":"1"}]}}`))
	f.Add([]byte("{"))
	dir := f.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bundles"), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		j := open(t, dir, Options{})
		path := filepath.Join(dir, "bundles", fileName("b")+".jsonl")
		check(t, os.WriteFile(path, data, 0o600))
		if _, err := j.Recover(); err != nil {
			t.Error(err)
		}
		if _, err := j.State("b"); err != nil {
			t.Error(err)
		}
		check(t, j.Owe("b", "2", nil))
		if st, err := j.State("b"); !st.Owed() || err != nil {
			t.Errorf("State = %+v, %v", st, err)
		}
	})
}
