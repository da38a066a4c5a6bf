package filewatch

import (
	"cmp"
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

const pollInterval = 2 * time.Second // how often paths are checked without events

// Options configure a Watcher.
type Options struct {
	// Settle is how long there must be no event before the paths are checked, so
	// that several writes are one change. They are checked at most ten times
	// Settle after the first event. Zero is 5 ms: long enough for a file that is
	// written in place.
	Settle time.Duration

	Trees bool // a directory changes when any file below it does; otherwise only files change
	Whole bool // a file that some process has open for writing is not reported yet, for a minute at most
}

// A Watcher watches paths, whether they exist or not. Add and Remove may be
// called at any time, from any goroutine; Run does the work.
type Watcher struct {
	options Options
	open    func() (*fsnotify.Watcher, error) // fsnotify.NewWatcher, except in tests
	wake    schedule.Wakeup                   // a path was added

	mu    sync.Mutex
	paths map[string]*entry

	// Run's own.
	system *fsnotify.Watcher // nil if there is none: then polling must do
	events events
}

// New returns a Watcher of no paths.
func New(o Options) *Watcher {
	o.Settle = cmp.Or(o.Settle, 5*time.Millisecond)
	return &Watcher{
		options: o,
		open:    fsnotify.NewWatcher,
		wake:    schedule.NewWakeup(),
		paths:   make(map[string]*entry),
	}
}

// Add begins to watch a path, anew if it is watched already.
func (w *Watcher) Add(path string) {
	p := &entry{path: path, full: path, tree: w.options.Trees}
	if full, err := filepath.Abs(path); err == nil {
		p.full = full
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paths[path] = p
	w.wake.Wake()
}

// Remove ends what Add began. A report that is under way may still name path.
func (w *Watcher) Remove(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.paths, path)
}

// Set makes these the paths that are watched. Those that are already go on.
func (w *Watcher) Set(paths []string) {
	added := make(map[string]bool, len(paths))
	for _, path := range paths {
		added[path] = true
	}
	w.mu.Lock()
	for path := range w.paths {
		if !added[path] {
			delete(w.paths, path)
		}
		delete(added, path)
	}
	w.mu.Unlock()
	for path := range added {
		w.Add(path)
	}
}

// A Report receives the paths that were added, and those that may have changed
// since the last report of them. Changes after the beginning of the call are
// reported later; those before a path is reported as added are not, so what was read
// earlier must be read again, or compared. It returns the paths that could not be read; they count as
// changed at the next poll.
type Report func(added, changed []string) (failed []string)

// Run watches the paths, and calls report, until ctx ends.
func (w *Watcher) Run(ctx context.Context, report Report) {
	var named <-chan fsnotify.Event
	var lost <-chan error
	if system, err := w.open(); err == nil {
		defer system.Close()
		w.system, named, lost = system, system.Events, system.Errors
	}
	poll := time.Tick(pollInterval)
	for {
		due := false
		select {
		case <-ctx.Done():
			return
		case e := <-named:
			w.events.add(e.Name, w.options.Settle)
		case <-lost:
			w.events.lost, w.events.quiet = true, time.After(w.options.Settle)
		case <-w.wake:
			w.check(func(*entry) likelihood { return none }, report)
		case <-w.events.quiet:
			due = true
		case <-poll:
			w.events.poll, due = true, w.events.quiet == nil // else when what changes has settled
		}
		if due {
			w.check(w.events.likelihood, report)
			w.events = events{}
		}
	}
}

// check inspects the new paths and those that may have changed, and reports what
// it finds.
func (w *Watcher) check(mayHaveChanged func(*entry) likelihood, report Report) {
	w.mu.Lock()
	all := slices.Collect(maps.Values(w.paths))
	w.mu.Unlock()
	var added, changed []string
	for _, p := range all {
		before, likely := p.files, mayHaveChanged(p)
		if before != nil && likely == none {
			continue
		}
		p.inspect(w.system)
		switch {
		case before == nil && w.options.Whole && p.unfinished():
			p.files = nil // it is added when it has been written
		case before == nil:
			added = append(added, p.path)
		case likely == certain || !maps.EqualFunc(before, p.files, same):
			if p.failed = w.options.Whole && p.unfinished(); !p.failed {
				changed = append(changed, p.path)
			}
		}
	}
	if w.system != nil { // stop watching the directories that no path needs
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

const maxSettles = 10 // bounds how long events postpone a check, in settling times

// events are the events since the last check.
type events struct {
	names map[string]bool  // the paths that they name, and their directories
	lost  bool             // there were others, of unknown paths
	poll  bool             // it is time for what gives no events
	first time.Time        // when the first one came
	quiet <-chan time.Time // fires when to check; nil if there were no events
}

// add records an event, and postpones the check.
func (e *events) add(path string, settle time.Duration) {
	if e.names == nil {
		e.names, e.first = make(map[string]bool), time.Now()
	}
	e.names[path], e.names[filepath.Dir(path)] = true, true
	e.quiet = time.After(min(settle, maxSettles*settle-time.Since(e.first)))
}

// likelihood returns how likely the events have changed a path. An event for a
// file itself is a change even if its size and time are the same: two writes may
// fall into one tick of the file system's clock.
func (e *events) likelihood(p *entry) likelihood {
	named := func(path string) bool { return e.lost || e.names[path] }
	likely := none
	if e.poll {
		likely = p.poll()
	}
	switch {
	case e.quiet == nil: // there are none
	case slices.ContainsFunc(slices.Collect(maps.Keys(p.files)), named):
		return certain
	case slices.ContainsFunc(p.dirs, named):
		return max(likely, possible)
	}
	return likely
}

// A likelihood says how likely a path has changed since it was inspected.
type likelihood int

const (
	none likelihood = iota
	possible
	certain
)

// An entry is a watched path, and what was there when it was inspected last.
type entry struct {
	path string
	full string // absolute path
	tree bool   // a directory includes all below it

	// Run's own.
	real   string                 // path without symbolic links
	dirs   []string               // directories in which a change may change the path's files
	files  map[string]fs.FileInfo // by their paths without links; nil before the first inspection
	failed bool                   // they could not be read after the last report, or are being written
	writes time.Time              // since when they are being written; zero if they are not
}

// inspect sets real, dirs and files. It has system, if not nil, watch each
// directory before it reads it, so that no change is lost.
func (p *entry) inspect(system *fsnotify.Watcher) {
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
	// What cannot be read counts as missing: reading it returns the error.
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

const maxWrite = time.Minute // how long a file may be written before it is read

// unfinished reports whether one of the files is being written, for no longer than
// maxWrite.
func (p *entry) unfinished() bool {
	if !slices.ContainsFunc(slices.Collect(maps.Keys(p.files)), beingWritten) {
		p.writes = time.Time{}
		return false
	}
	if p.writes.IsZero() {
		p.writes = time.Now()
	}
	return time.Since(p.writes) < maxWrite
}

// poll returns how likely the path has changed, as far as that is cheap to find
// out.
func (p *entry) poll() likelihood {
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

// same reports whether a file has the same identity, size, time and mode.
func same(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.Size() == now.Size() &&
		before.ModTime().Equal(now.ModTime()) && before.Mode() == now.Mode()
}

const maxLinks = 40 // how many links are followed to a file; polling finds a change beyond

// resolve returns path without symbolic links. It follows at most *links of them,
// and calls listen with the directory of each.
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
