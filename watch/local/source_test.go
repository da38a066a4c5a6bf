package local_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t testing.TB, path, content string) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(content), 0o644))
}

func renameOver(t testing.TB, path, content string) {
	t.Helper()
	write(t, path+".new", content)
	check(t, os.Rename(path+".new", path))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What one change of the file changes is taken at once: no template is executed with
// half of it.
func TestDataChangesAtOnce(t *testing.T) {
	const keys = 5000
	path := filepath.Join(t.TempDir(), "data.yaml")
	content := func(value string) string {
		var s strings.Builder
		s.WriteString("keys:\n")
		for i := range keys {
			fmt.Fprintf(&s, "  key%d: %s\n", i, value)
		}
		return s.String()
	}
	write(t, path, content("old"))
	data, err := local.NewData(path)
	check(t, err)
	w := watch.New(map[watch.Store]watch.Source{watch.Consul: data})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { w.Run(ctx) })
	var ids []watch.ID
	for i := range keys {
		ids = append(ids, watch.Query{Kind: watch.KVGet, Name: fmt.Sprint("key", i)}.ID())
	}
	w.Watch(ids...)
	take := func() int {
		for {
			<-w.Changed()
			if n := len(w.Take()); n > 0 {
				return n
			}
		}
	}
	for known := 0; known < keys; {
		known += take()
	}
	for _, value := range []string{"new", "newer", "newest"} {
		renameOver(t, path, content(value))
		if n := take(); n != keys {
			t.Fatalf("of %d keys that changed to %s, %d were taken first", keys, value, n)
		}
	}
}

// TestDataConforms runs the suite of all sources on a data file.
func TestDataConforms(t *testing.T) {
	watchtest.Run(t, dataHarness)
}

func dataHarness(t *testing.T) watchtest.Harness {
	path := filepath.Join(t.TempDir(), "data.yaml")
	const empty = "keys: {other: x}\nservices: {web: 10.0.0.1:80}\n"
	good := empty
	set := func(content string) {
		good = content
		renameOver(t, path, content)
	}
	set(empty)
	data, err := local.NewData(path)
	check(t, err)
	h := watchtest.Harness{
		Source: data,
		Query:  watch.Query{Kind: watch.KVGet, Name: "key"},
		Set:    func(v string) { set(strings.Replace(empty, "{other", "{key: "+v+", other", 1)) },
		Delete: func() { set(empty) },
		Break:  func() { renameOver(t, path, "keys: [") },
		Heal:   func() { renameOver(t, path, good) },
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
