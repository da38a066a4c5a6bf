package local_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/local"
)

// limit is how long a source may take to notice something.
const limit = 10 * time.Second

// start runs a source until the test ends.
func start(t *testing.T, s interface{ Run(context.Context) }) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// startData runs the source of a data file at path, which is written first.
func startData(t *testing.T, path, content string) *local.Data {
	t.Helper()
	write(t, path, content)
	data, err := local.NewData(path)
	check(t, err)
	start(t, data)
	return data
}

// ask watches a query with a new recorder.
func ask(t *testing.T, s watch.Source, q watch.Query) *watchtest.Recorder {
	r := watchtest.NewRecorder(t)
	s.Watch(watch.Subscription{ID: q.ID(), Sink: r})
	return r
}

func key(name string) watch.Query { return watch.Query{Kind: watch.KVGet, Name: name} }

// awaitKey waits until the newest event is the key's value, and returns it.
func awaitKey(t *testing.T, r *watchtest.Recorder, value string) *watch.KeyPair {
	t.Helper()
	events := r.Wait("value "+value, limit, func(events []watchtest.Event) bool {
		p, ok := last(events).Answer.Data.(*watch.KeyPair)
		return ok && p.Value == value
	})
	return last(events).Answer.Data.(*watch.KeyPair)
}

// awaitError waits until the newest event is a failure that ends in text.
func awaitError(t *testing.T, r *watchtest.Recorder, text string) {
	t.Helper()
	r.Wait("failure "+text, limit, func(events []watchtest.Event) bool {
		err := last(events).Err
		return err != nil && strings.HasSuffix(err.Error(), text)
	})
}

func last(events []watchtest.Event) watchtest.Event {
	if len(events) == 0 {
		return watchtest.Event{}
	}
	return events[len(events)-1]
}

func TestNewDataErrors(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "broken.yaml", "keys:\n  a: [1]\n")
	write(t, "data.txt", "keys: {}\n")
	check(t, os.Mkdir("dir.yaml", 0o755))
	tests := []struct{ path, want string }{
		{"none.yaml", "reading the data file: open none.yaml: no such file or directory"},
		{"dir.yaml", "reading the data file: read dir.yaml: it is a directory, not a regular file"},
		{"data.txt", "data.txt: a data file's name ends in .yaml, .yml or .json"},
		{"broken.yaml", `broken.yaml:2:6: the value of key "a" is a list; a key holds one text, so write it in quotes`},
	}
	for _, tt := range tests {
		if d, err := local.NewData(tt.path); d != nil || err == nil || err.Error() != tt.want {
			t.Errorf("%s: error\n%v, want\n%s", tt.path, err, tt.want)
		}
	}
}

// A change reaches those whom it concerns and nobody else.
func TestDataPublishesWhatChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.yaml")
	write(t, path, "keys: {a: 1, b: 1}\nservices: {web: 10.0.0.1}\n")
	data, err := local.NewData(path)
	check(t, err)
	w := watch.New(map[watch.Store]watch.Source{watch.Consul: data})
	start(t, w)
	a, b, web := key("a"), key("b"), watch.Query{Kind: watch.ServiceHealth, Name: "web"}
	w.Watch(a.ID(), b.ID(), web.ID())

	heard := make(map[watch.Query]watch.State)
	await := func(q watch.Query, version int) *watch.KeyPair {
		t.Helper()
		for timeout := time.After(limit); heard[q].Version < version; {
			select {
			case <-w.Changed():
				for _, u := range w.Take() {
					heard[u.ID.Value()] = *u.State
				}
			case <-timeout:
				t.Fatalf("%s has not changed: %+v", q, heard[q])
			}
		}
		p, _ := heard[q].Answer.Data.(*watch.KeyPair)
		return p
	}
	first := await(a, 1)
	await(b, 1)
	await(web, 1)
	renameOver(t, path, "# a comment\nkeys: {b: 1, a: 1}\nservices: {web: {address: 10.0.0.1}}\n")
	renameOver(t, path, "keys: {a: 2, b: 1}\nservices: {web: 10.0.0.1}\n")
	second := await(a, 2)
	if second.CreateIndex != first.CreateIndex || second.ModifyIndex <= first.ModifyIndex {
		t.Errorf("key a was %+v and is %+v: want a higher ModifyIndex alone", first, second)
	}
	renameOver(t, path, "keys: {a: 2, b: 2}\nservices: {web: 10.0.0.1}\n")
	if p := await(b, 2); p.ModifyIndex <= second.ModifyIndex {
		t.Errorf("key b changed after a, and its ModifyIndex %d is not above %d", p.ModifyIndex, second.ModifyIndex)
	}
	if heard[a].Version != 2 || heard[web].Version != 1 || *heard[a].Answer.Data.(*watch.KeyPair) != *second {
		t.Errorf("heard of what did not change: %+v", heard)
	}
}

// While the file is wrong, everyone hears so once, and nobody is given less
// data than before.
func TestDataBroken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.yaml")
	data := startData(t, path, "keys: {a: 1, b: 1}\n")
	a, b := ask(t, data, key("a")), ask(t, data, key("b"))
	awaitKey(t, a, "1")
	awaitKey(t, b, "1")
	broken := []struct{ content, failure string }{
		{"keys: {a: 2\n", ": " + path + ":1: did not find expected ',' or '}'"},
		{"", ": " + path + ": the file holds no data (if that is meant, write an empty section of keys)"},
	}
	for _, tt := range broken {
		renameOver(t, path, tt.content)
		awaitError(t, a, "kv.get(a)"+tt.failure)
		awaitError(t, b, "kv.get(b)"+tt.failure)
	}
	awaitError(t, ask(t, data, key("c")), "kv.get(c)"+broken[1].failure)
	check(t, os.Remove(path))
	awaitError(t, a, "kv.get(a): reading the data file: open "+path+": no such file or directory")
	for _, e := range a.Events()[1:] {
		if e.Err == nil || watch.Classify(e.Err) != watch.Retry {
			t.Errorf("while the file was wrong: event %+v, want failures of class Retry alone", e)
		}
	}
	write(t, path, "keys: {a: 1, b: 2}\n")
	awaitKey(t, b, "2")
	awaitKey(t, a, "1")
}

// What a data file cannot answer is a failure once, and does not disturb.
func TestDataCannotAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.yaml")
	data := startData(t, path, "keys: {a: 1}\n")
	roots := ask(t, data, watch.Query{Kind: watch.CARootList})
	west := ask(t, data, watch.Query{Kind: watch.KVGet, Name: "a", Datacenter: "west"})
	awaitError(t, roots, "connect.caroots: the data file has no certificates")
	awaitError(t, west, `kv.get(a@west): the data file has no datacenter "west" (it has dc1)`)
	renameOver(t, path, "datacenters: {west: {keys: {a: 2}}}\n")
	awaitKey(t, west, "2")
	events := roots.Events()
	var e *watch.Error
	if len(events) != 1 || !errors.As(events[0].Err, &e) || e.Class != watch.Invalid {
		t.Errorf("the certificate roots: %+v, want one failure of class Invalid", events)
	}
}
