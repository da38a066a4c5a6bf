package filewatch_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/filewatch"
)

// A slowSink holds up its source at the first answer.
type slowSink struct{ reached, release chan struct{} }

func (s slowSink) Publish(watch.Answer) bool {
	close(s.reached)
	<-s.release
	return true
}

func (s slowSink) Fail(error) {}

// When the system has lost events, as it does while the program is stopped and
// a directory is busy, every file is read again, and later changes are heard
// of as before.
func TestFilesAfterOverflow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, slow := filepath.Join(dir, "a"), filepath.Join(dir, "slow")
	then := time.Now().Add(-time.Hour).Truncate(time.Second)
	put := func(content string) {
		write(t, path, content)
		check(t, os.Chtimes(path, then, then))
	}
	put("one")
	files := filewatch.NewSource()
	start(t, files)
	r := ask(t, files, path)
	awaitContent(t, r, "one")

	sink := slowSink{make(chan struct{}), make(chan struct{})}
	write(t, slow, "")
	files.Watch(watch.Subscription{ID: file(slow).ID(), Sink: sink})
	<-sink.reached
	overflow(t, dir)
	put("two") // of the same size and time as before: only an event could tell
	close(sink.release)
	awaitContent(t, r, "two")
	put("six")
	awaitContent(t, r, "six")
}

// overflow makes more events in dir than the system keeps for a watcher.
func overflow(t *testing.T, dir string) {
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	check(t, err)
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	check(t, err)
	const read = 4096 // how many fsnotify takes at once
	if limit > 200_000 {
		t.Skipf("it would take over %d events", limit)
	}
	one, two := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	write(t, one, "")
	write(t, two, "")
	for range (limit+read)/2 + 1000 {
		check(t, os.Chmod(one, 0o600)) // the system drops an event like the one before
		check(t, os.Chmod(two, 0o600))
	}
}
