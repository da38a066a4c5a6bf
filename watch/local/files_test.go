package local_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/local"
	"restencil/watch/watchtest"
)

func file(path string) watch.Query { return watch.Query{Kind: watch.FileContent, Name: path} }

func awaitContent(t *testing.T, r *watchtest.Recorder, content string) {
	t.Helper()
	r.Wait("content "+content, limit, func(events []watchtest.Event) bool {
		e := last(events)
		return len(events) > 0 && e.Err == nil && e.Answer.Data == content
	})
}

func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	files := local.NewFiles()
	start(t, files)
	r := ask(t, files, file("a"))
	awaitError(t, r, "file(a): stat a: no such file or directory")
	if class := watch.Classify(last(r.Events()).Err); class != watch.Retry {
		t.Errorf("class %v, want Retry", class)
	}
	write(t, "a", "one\n\x00\xff")
	awaitContent(t, r, "one\n\x00\xff")
	write(t, "a", "two")
	awaitContent(t, r, "two")
	check(t, os.Remove("a"))
	awaitError(t, r, "file(a): stat a: no such file or directory")
	write(t, "a", "two")
	awaitContent(t, r, "two")
}

// A file system's clock may tick too slowly to tell two writes apart, so a file
// that an event names is read even where its size and time are the same.
func TestFilesSameTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, "one")
	then := time.Now().Add(-time.Hour)
	check(t, os.Chtimes(path, then, then))
	files := local.NewFiles()
	start(t, files)
	r := ask(t, files, file(path))
	awaitContent(t, r, "one")
	write(t, path, "two")
	check(t, os.Chtimes(path, then, then))
	awaitContent(t, r, "two")
}

// A file that is touched, or whose neighbours change, is no news.
func TestFilesQuiet(t *testing.T) {
	dir := t.TempDir()
	files := local.NewFiles()
	start(t, files)
	write(t, filepath.Join(dir, "a"), "one")
	a, b := ask(t, files, file(filepath.Join(dir, "a"))), ask(t, files, file(filepath.Join(dir, "b")))
	awaitContent(t, a, "one")
	awaitError(t, b, "no such file or directory")
	renameOver(t, filepath.Join(dir, "a"), "one")
	write(t, filepath.Join(dir, "c"), "x")
	write(t, filepath.Join(dir, "b"), "y")
	awaitContent(t, b, "y")
	if events := a.Events(); len(events) != 1 {
		t.Errorf("a did not change, and has events %+v", events)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	files := local.NewFiles()
	start(t, files)
	awaitError(t, ask(t, files, file(dir)), "file("+dir+"): read "+dir+": not a regular file")
	if runtime.GOOS != "windows" {
		awaitContent(t, ask(t, files, file(os.DevNull)), "")
	}
}
