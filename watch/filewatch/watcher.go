package filewatch

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"restencil/watch/schedule"
)

const pollInterval = 2 * time.Second // how often paths are looked at without any event

// Options are how a Watcher watches.
type Options struct {
	// Settle is how long there must be no event before the paths are looked
	// at, so that what is written in several steps is one change. They are
	// looked at ten times as long after the first event at the latest.
	Settle time.Duration

	// Trees says that a directory changes when any file below it does.
	// Without it, only files change.
	Trees bool

	// Whole says that a file has not changed as long as some process has it open
	// for writing, as far as the system tells, but for a minute at most.
	Whole bool
}

// A Watcher watches paths, whether anything is there or not. Add and Remove
// may be called at any time, from any goroutine; Run does the work.
type Watcher struct {
	options Options
	open    func() (*fsnotify.Watcher, error) // fsnotify.NewWatcher, but in tests
	wake    schedule.Wakeup                   // a path was added

	mu    sync.Mutex
	paths map[string]*watched

	// Run's own.
	system *fsnotify.Watcher // nil: there is none, or it has failed
	events events
}

// New returns a Watcher of no paths.
func New(o Options) *Watcher {
	return &Watcher{
		options: o,
		open:    fsnotify.NewWatcher,
		wake:    schedule.NewWakeup(),
		paths:   make(map[string]*watched),
	}
}

// Add begins to watch a path, anew if it is watched already.
func (w *Watcher) Add(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paths[path] = newWatched(path, w.options.Trees)
	w.wake.Wake()
}

// Remove ends what Add began. A report that is under way may still name path.
func (w *Watcher) Remove(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.paths, path)
}

// A Report is told of the paths that were added, and of those that may have
// changed since it was told of them last. What happens to them from the
// beginning of the call on is reported later. The paths that it returns, since
// they could not be read, count as changed at the next poll.
type Report func(added, changed []string) (failed []string)

// Run watches the paths until ctx ends. It calls report itself.
func (w *Watcher) Run(ctx context.Context, report Report) {
	defer w.close()
	poll := time.Tick(pollInterval)
	for {
		var named <-chan fsnotify.Event
		var lost <-chan error
		if w.system != nil {
			named, lost = w.system.Events, w.system.Errors
		}
		select {
		case <-ctx.Done():
			return
		case e := <-named:
			w.events.add(e.Name, w.options.Settle)
		case <-lost:
			// Events were lost. One of them may have said that a directory is
			// another one now, so all are listened to anew.
			w.close()
			w.events.lost, w.events.quiet = true, time.After(w.options.Settle)
		case <-w.wake:
			w.look(func(*watched) likelihood { return none }, report)
		case <-w.events.quiet:
			w.look(w.events.concern, report)
			w.events = events{}
		case <-poll:
			w.look((*watched).moved, report)
		}
	}
}

// look looks at the paths that are new and at those that may have changed, and
// reports what it finds.
func (w *Watcher) look(mayHaveChanged func(*watched) likelihood, report Report) {
	opened := false // then the system's watcher has no directory yet
	if w.system == nil {
		if system, err := w.open(); err == nil { // else polling is all there is
			w.system, opened = system, true
		}
	}
	w.mu.Lock()
	all := slices.Collect(maps.Values(w.paths))
	w.mu.Unlock()
	var added, changed []string
	for _, p := range all {
		before, likely := p.files, mayHaveChanged(p)
		if before != nil && likely == none && !opened {
			continue
		}
		p.inspect(w.system)
		switch {
		case before == nil:
			added = append(added, p.path)
		case likely == certain || !maps.EqualFunc(before, p.files, same):
			if p.failed = w.options.Whole && p.unfinished(); !p.failed {
				changed = append(changed, p.path)
			}
		}
	}
	if w.system != nil { // no directory is listened to that no path needs
		needed := make(map[string]bool)
		for _, p := range all {
			for _, dir := range p.dirs {
				needed[dir] = true
			}
		}
		for _, dir := range w.system.WatchList() {
			if !needed[dir] {
				_ = w.system.Remove(dir)
			}
		}
	}
	if len(added)+len(changed) == 0 {
		return
	}
	failed := report(added, changed)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, path := range failed {
		if p := w.paths[path]; p != nil {
			p.failed = true
		}
	}
}

func (w *Watcher) close() {
	if w.system != nil {
		_ = w.system.Close()
		w.system = nil
	}
}

const maxSettles = 10 // bounds how long events put off a look, in settling times

// events are those since the paths were looked at last.
type events struct {
	names map[string]bool  // the paths that they name, and the directories of these
	lost  bool             // there were others, of any path
	first time.Time        // when the first of them came
	quiet <-chan time.Time // when to look; nil: there were none
}

// add notes an event, and puts off the look until it is quiet.
func (e *events) add(path string, settle time.Duration) {
	if e.names == nil {
		e.names, e.first = make(map[string]bool), time.Now()
	}
	e.names[path], e.names[filepath.Dir(path)] = true, true
	e.quiet = time.After(min(settle, maxSettles*settle-time.Since(e.first)))
}

// concern tells what the events say of a path. One that names a file itself is
// a change even where its size and time are what they were: two writes in a
// row may fall into one tick of the file system's clock.
func (e *events) concern(p *watched) likelihood {
	named := func(path string) bool { return e.names[path] }
	for file := range p.files {
		if e.lost || named(file) {
			return certain
		}
	}
	if e.lost || slices.ContainsFunc(p.dirs, named) {
		return possible
	}
	return none
}

// A likelihood is how likely a path has changed since it was inspected.
type likelihood int

const (
	none likelihood = iota
	possible
	certain
)

// A watched path, and what was there when it was inspected last.
type watched struct {
	path string
	full string // path, from the root directory on
	tree bool   // a directory counts with all below it

	// Run's own.
	real   string                 // path without symbolic links
	dirs   []string               // where a change can make path another file, or change a file
	files  map[string]fs.FileInfo // the files there, by their path without links; nil: not inspected yet
	failed bool                   // they could not be read when they were reported last, or are being written
	writes time.Time              // since when they are being written; zero: they are not
}

func newWatched(path string, tree bool) *watched {
	p := &watched{path: path, full: path, tree: tree}
	if full, err := filepath.Abs(path); err == nil {
		p.full = full
	}
	return p
}

// inspect finds out what is there. It has system, which may be nil, tell of
// each directory before it looks there, so that no change is lost.
func (p *watched) inspect(system *fsnotify.Watcher) {
	p.dirs, p.files = nil, make(map[string]fs.FileInfo)
	listen := func(dir string) {
		p.dirs = append(p.dirs, dir)
		if system != nil {
			_ = system.Add(dir) // without it, polling finds the change
		}
	}
	links := maxLinks
	p.real = resolve(p.full, &links, listen)
	listen(filepath.Dir(p.real))
	// What cannot be read is treated as missing. Reading it returns the error.
	_ = filepath.WalkDir(p.real, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir() && !p.tree:
			return fs.SkipDir
		case path != p.real && IsLeftover(entry.Name()):
			return nil
		case entry.IsDir():
			listen(path)
			return nil
		}
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			p.files[path] = info
		}
		return nil
	})
}

// IsLeftover reports whether a file of this name is one that an editor or a
// package manager leaves beside another.
func IsLeftover(name string) bool {
	patterns := []string{".*.sw?", "*~", ".#*", "#*#", "*.rpmsave", "*.rpmnew", "*.rpmorig", "*.dpkg-*"}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		match, _ := filepath.Match(pattern, name)
		return match
	})
}

// maxWrite is how long a file that is being written is waited for.
const maxWrite = time.Minute

// unfinished reports whether one of the files is being written, and is to be waited
// for.
func (p *watched) unfinished() bool {
	if !slices.ContainsFunc(slices.Collect(maps.Keys(p.files)), beingWritten) {
		p.writes = time.Time{}
		return false
	}
	if p.writes.IsZero() {
		p.writes = time.Now()
	}
	return time.Since(p.writes) < maxWrite
}

// moved tells whether path has changed, as far as that can be seen cheaply.
func (p *watched) moved() likelihood {
	if p.failed {
		return certain
	}
	if p.tree {
		return possible
	}
	before, was := p.files[p.real]
	info, err := os.Stat(p.full)
	if is := err == nil; is != was || is && !same(before, info) {
		return possible
	}
	return none
}

// same tells whether a file is still the same, as far as its identity, size,
// time and mode tell.
func same(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() &&
		before.ModTime().Equal(now.ModTime()) && before.Mode() == now.Mode()
}

// maxLinks is how many links are followed on the way to a file. A change
// beyond them is found by polling.
const maxLinks = 40

// resolve returns path without symbolic links. It follows at most *links of them, and
// calls listen with the directory of each.
func resolve(path string, links *int, listen func(dir string)) string {
	dir := filepath.Dir(path)
	if dir == path {
		return path
	}
	dir = resolve(dir, links, listen)
	path = filepath.Join(dir, filepath.Base(path))
	target, err := os.Readlink(path)
	if err != nil || *links == 0 {
		return path
	}
	*links--
	listen(dir)
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	return resolve(target, links, listen)
}
