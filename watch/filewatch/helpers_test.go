package filewatch_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"restencil/test/watchtest"
	"restencil/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit is how long anything may take to be noticed.
const limit = 10 * time.Second

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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

// start runs a source until the test ends.
func start(t *testing.T, s watch.Source) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// ask watches a file with a new recorder.
func ask(t *testing.T, s watch.Source, path string) *watchtest.Recorder {
	r := watchtest.NewRecorder(t)
	s.Watch(watch.Subscription{ID: file(path).ID(), Sink: r})
	return r
}

func file(path string) watch.Query { return watch.Query{Kind: watch.FileContent, Name: path} }

func last(events []watchtest.Event) watchtest.Event {
	if len(events) == 0 {
		return watchtest.Event{}
	}
	return events[len(events)-1]
}

func awaitContent(t *testing.T, r *watchtest.Recorder, content string) {
	t.Helper()
	r.Wait("content "+content, limit, func(events []watchtest.Event) bool {
		return last(events).Err == nil && last(events).Answer.Data == content
	})
}

// awaitError waits until the newest event is a failure of this text.
func awaitError(t *testing.T, r *watchtest.Recorder, text string) {
	t.Helper()
	r.Wait("failure "+text, limit, func(events []watchtest.Event) bool {
		err := last(events).Err
		return err != nil && err.Error() == text
	})
}
