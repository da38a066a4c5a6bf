package filewatch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/filewatch"
)

func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	files := filewatch.NewSource()
	start(t, files)
	r := ask(t, files, "a")
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
	files := filewatch.NewSource()
	start(t, files)
	r := ask(t, files, path)
	awaitContent(t, r, "one")
	write(t, path, "two")
	check(t, os.Chtimes(path, then, then))
	awaitContent(t, r, "two")
}

// A file that is touched, or whose neighbours change, is no news.
func TestFilesQuiet(t *testing.T) {
	dir := t.TempDir()
	files := filewatch.NewSource()
	start(t, files)
	write(t, filepath.Join(dir, "a"), "one")
	a, b := ask(t, files, filepath.Join(dir, "a")), ask(t, files, filepath.Join(dir, "b"))
	awaitContent(t, a, "one")
	awaitError(t, b, "file("+filepath.Join(dir, "b")+"): stat "+filepath.Join(dir, "b")+": no such file or directory")
	renameOver(t, filepath.Join(dir, "a"), "one")
	write(t, filepath.Join(dir, "c"), "x")
	write(t, filepath.Join(dir, "b"), "y")
	awaitContent(t, b, "y")
	if events := a.Events(); len(events) != 1 {
		t.Errorf("a did not change, and has events %+v", events)
	}
}

// The file may be reached through links, near and far.
func TestFilesThroughLinks(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	for _, d := range []string{one, two} {
		check(t, os.Mkdir(d, 0o755))
		check(t, os.Symlink("real", filepath.Join(d, "file")))
	}
	write(t, filepath.Join(one, "real"), "1")
	write(t, filepath.Join(two, "real"), "3")
	current := filepath.Join(dir, "current")
	check(t, os.Symlink("one", current))
	files := filewatch.NewSource()
	start(t, files)
	r := ask(t, files, filepath.Join(current, "file"))
	awaitContent(t, r, "1")
	write(t, filepath.Join(one, "real"), "2")
	awaitContent(t, r, "2")
	check(t, os.Symlink("two", current+".new"))
	check(t, os.Rename(current+".new", current))
	awaitContent(t, r, "3")
	write(t, filepath.Join(two, "real"), "4")
	awaitContent(t, r, "4")
}

// A directory that goes away is found again when it comes back, and so is one
// that another takes the place of, however far up.
func TestFilesDirectoryComesBack(t *testing.T) {
	t.Parallel() // it waits for the poll
	top := filepath.Join(t.TempDir(), "top")
	dir := filepath.Join(top, "dir")
	path := filepath.Join(dir, "file")
	check(t, os.MkdirAll(dir, 0o755))
	write(t, path, "1")
	files := filewatch.NewSource()
	start(t, files)
	r := ask(t, files, path)
	awaitContent(t, r, "1")
	check(t, os.RemoveAll(dir))
	awaitError(t, r, "file("+path+"): stat "+path+": no such file or directory")
	check(t, os.Mkdir(dir, 0o755))
	write(t, path, "2")
	awaitContent(t, r, "2")
	write(t, path, "3")
	awaitContent(t, r, "3")
	check(t, os.Rename(top, top+".old"))
	check(t, os.MkdirAll(dir, 0o755))
	write(t, path, "4")
	awaitContent(t, r, "4")
	write(t, path, "5")
	awaitContent(t, r, "5")
}

// The same file may be asked for with and without a directory that it must be
// in; each has an answer of its own.
func TestFilesInTheirDirectory(t *testing.T) {
	dir := t.TempDir()
	root, path := filepath.Join(dir, "root"), filepath.Join(dir, "root", "a")
	check(t, os.Mkdir(root, 0o755))
	write(t, path, "inside")
	write(t, filepath.Join(dir, "secret"), "outside")
	files := filewatch.NewSource()
	start(t, files)
	free := ask(t, files, path)
	bound, q := watchtest.NewRecorder(t), file(path)
	q.Params = root
	files.Watch(watch.Subscription{ID: q.ID(), Sink: bound})
	awaitContent(t, free, "inside")
	awaitContent(t, bound, "inside")
	check(t, os.Symlink("../secret", path+".new"))
	check(t, os.Rename(path+".new", path))
	awaitContent(t, free, "outside")
	awaitError(t, bound, q.String()+": openat a: path escapes from parent")
	files.Unwatch(file(path).ID())
	renameOver(t, path, "back")
	awaitContent(t, bound, "back")
}

// TestFilesConforms runs the suite on files. A file that does not exist is a
// failure, not an answer, so an empty one takes the part of nothing.
func TestFilesConforms(t *testing.T) {
	// Not in place: what is truncated and not yet written counts as an answer.
	for name, write := range map[string]func(t testing.TB, path, content string){
		"renamed over": renameOver,
		"link swapped": swapLink,
	} {
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
		Source: filewatch.NewSource(),
		Query:  file(path),
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
		h.Others = append(h.Others, file(other))
	}
	return h
}
