package local

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// A file is read once its directory has been quiet for settle, but at the
	// latest patience after the first event, should it never be quiet.
	settle   = 5 * time.Millisecond
	patience = 50 * time.Millisecond

	// pollInterval is how often files are looked at without any event, as
	// consul-template does (COMPAT 3.7). It is all there is where the system
	// gives no events.
	pollInterval = 2 * time.Second
)

// A follower reads files, and reads them again whenever they may have changed.
// Files are followed and let go from any goroutine; run does the work.
type follower struct {
	wake  chan struct{} // capacity 1: a file was added
	bells func() *bells // newBells, but in tests

	mu    sync.Mutex
	files map[location]*followed
}

func newFollower() *follower {
	return &follower{wake: make(chan struct{}, 1), bells: newBells, files: make(map[location]*followed)}
}

// follow begins to read the file at a location. From run's goroutine, report gets
// its content; then again when that has changed, or when it can be read once
// more; and the error when it cannot be read, once while that stays the same.
func (f *follower) follow(at location, report func(content string, err error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[at] = &followed{location: at, report: report}
	wakeUp(f.wake)
}

// letGo ends what follow began. A report that is under way may still come.
func (f *follower) letGo(at location) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.files, at)
}

// wakeUp sends on a channel of capacity 1 unless a wake-up waits there already.
func wakeUp(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

func (f *follower) all() []*followed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.files))
}

// follows tells whether file has not been let go.
func (f *follower) follows(file *followed) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.files[file.location] == file
}

// run follows the files until ctx ends.
func (f *follower) run(ctx context.Context) {
	b := f.bells()
	defer b.close()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
			f.look(b, (*followed).untried)
		case e := <-b.events:
			b.ring(e.Name)
		case <-b.errors: // some events were lost
			f.look(b, (*followed).changed)
		case <-b.quiet:
			f.look(b, b.concern)
			b.rung, b.quiet = nil, nil
		case <-poll.C:
			f.look(b, (*followed).changed)
		}
	}
}

// look reads the files that may have changed, and reports what is new. Their
// directories are watched before they are read, so that no change is lost.
func (f *follower) look(b *bells, mayHaveChanged func(*followed) bool) {
	all := f.all()
	var some []*followed
	for _, file := range all {
		if mayHaveChanged(file) {
			file.locate()
			some = append(some, file)
		}
	}
	b.watch(all)
	for _, file := range some {
		if f.follows(file) {
			file.refresh()
		}
	}
}

// bells ring when something changes in a directory. Without fsnotify they are
// silent.
type bells struct {
	fs     *fsnotify.Watcher // nil where the system has no more to give
	events <-chan fsnotify.Event
	errors <-chan error

	rung  map[string]bool  // the paths that events named since the last look
	first time.Time        // when the first of them did
	quiet <-chan time.Time // when to look
}

func newBells() *bells {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return &bells{}
	}
	return &bells{fs: fs, events: fs.Events, errors: fs.Errors}
}

func (b *bells) close() {
	if b.fs != nil {
		_ = b.fs.Close()
	}
}

// watch watches the directories of files, and no others. One that cannot be
// watched, because it does not exist for instance, is tried again next time.
func (b *bells) watch(files []*followed) {
	if b.fs == nil {
		return
	}
	needed := make(map[string]bool)
	for _, file := range files {
		for _, dir := range file.dirs {
			needed[dir] = true
		}
	}
	for _, dir := range b.fs.WatchList() {
		if !needed[dir] {
			_ = b.fs.Remove(dir)
		}
		delete(needed, dir)
	}
	for dir := range needed {
		_ = b.fs.Add(dir)
	}
}

// ring notes an event, and puts off the look until it is quiet.
func (b *bells) ring(path string) {
	if b.rung == nil {
		b.rung, b.first = make(map[string]bool), time.Now()
	}
	b.rung[path], b.rung[filepath.Dir(path)] = true, true
	b.quiet = time.After(min(settle, patience-time.Since(b.first)))
}

// concern tells whether the bells rang for file. An event that names the file
// itself does, even where its size and time are what they were: two writes in
// a row may fall into one tick of the file system's clock.
func (b *bells) concern(file *followed) bool {
	if b.rung[file.real] {
		return true
	}
	rang := func(dir string) bool { return b.rung[dir] }
	return slices.ContainsFunc(file.dirs, rang) && file.changed()
}
