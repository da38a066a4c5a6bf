package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"restencil/watch"
	"restencil/watch/local"
	"restencil/watch/watchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// writers are the ways in which people and programs replace a file.
var writers = map[string]func(t testing.TB, path, content string){
	"in place":     write,
	"renamed over": renameOver,
	"link swapped": swapLink,
}

func write(t testing.TB, path, content string) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(content), 0o644))
}

func renameOver(t testing.TB, path, content string) {
	t.Helper()
	write(t, path+".new", content)
	check(t, os.Rename(path+".new", path))
}

// swapLink puts the content where Kubernetes would: path leads through the
// link ..data to a directory that is made anew each time.
func swapLink(t testing.TB, path, content string) {
	t.Helper()
	home, name := filepath.Split(path)
	dir, err := os.MkdirTemp(home, "..gen")
	check(t, err)
	write(t, filepath.Join(dir, name), content)
	old, _ := os.Readlink(filepath.Join(home, "..data"))
	check(t, os.Symlink(dir, filepath.Join(home, "..tmp")))
	check(t, os.Rename(filepath.Join(home, "..tmp"), filepath.Join(home, "..data")))
	if old == "" {
		os.Remove(path)
		check(t, os.Symlink(filepath.Join("..data", name), path))
	} else {
		check(t, os.RemoveAll(old))
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDataConforms runs the suite of all sources on a data file.
func TestDataConforms(t *testing.T) {
	for name, write := range writers {
		t.Run(name, func(t *testing.T) {
			watchtest.Run(t, func(t *testing.T) watchtest.Harness { return dataHarness(t, write) })
		})
	}
}

func dataHarness(t *testing.T, write func(t testing.TB, path, content string)) watchtest.Harness {
	path := filepath.Join(t.TempDir(), "data.yaml")
	const empty = "keys: {other: x}\nservices: {web: 10.0.0.1:80}\n"
	good := empty
	set := func(content string) {
		good = content
		write(t, path, content)
	}
	set(empty)
	data, err := local.NewData(path)
	check(t, err)
	h := watchtest.Harness{
		Source: data,
		Query:  watch.Query{Kind: watch.KVGet, Name: "key"},
		Set:    func(v string) { set(strings.Replace(empty, "{other", "{key: "+v+", other", 1)) },
		Delete: func() { set(empty) },
		Break:  func() { write(t, path, "keys: [") },
		Heal:   func() { write(t, path, good) },
		Value: func(data any) (string, bool) {
			p, ok := data.(*watch.KeyPair)
			if !ok {
				return "", false
			}
			return p.Value, true
		},
	}
	for i := range 6 {
		h.Others = append(h.Others, watch.Query{Kind: watch.KVGet, Name: fmt.Sprint("other", i)})
	}
	h.Others = append(h.Others,
		watch.Query{Kind: watch.ServiceHealth, Name: "web"},
		watch.Query{Kind: watch.KVList, Name: "o"})
	return h
}

// TestFilesConforms runs the suite on files. A file that does not exist is a
// failure, not an answer, so an empty one takes the part of nothing.
func TestFilesConforms(t *testing.T) {
	for name, write := range writers {
		if name == "in place" {
			continue // what is truncated and not yet written counts as an answer
		}
		t.Run(name, func(t *testing.T) {
			watchtest.Run(t, func(t *testing.T) watchtest.Harness { return filesHarness(t, write) })
		})
	}
}

func filesHarness(t *testing.T, write func(t testing.TB, path, content string)) watchtest.Harness {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	set := func(v string) { write(t, path, v) }
	set("")
	h := watchtest.Harness{
		Source: local.NewFiles(),
		Query:  watch.Query{Kind: watch.FileContent, Name: path},
		Set:    set,
		Delete: func() { set("") },
		Break:  func() { check(t, os.Rename(path, path+".away")) },
		Heal:   func() { check(t, os.Rename(path+".away", path)) },
		Value: func(data any) (string, bool) {
			s, _ := data.(string)
			return s, s != ""
		},
	}
	for i := range 8 {
		other := filepath.Join(dir, fmt.Sprint("other", i))
		if i%2 == 0 {
			check(t, os.WriteFile(other, []byte("x"), 0o644))
		}
		h.Others = append(h.Others, watch.Query{Kind: watch.FileContent, Name: other})
	}
	return h
}
