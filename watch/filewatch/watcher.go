// Package filewatch tells when files may have changed on disk, and reads them.
//
// A [Watcher] hears of changes from the operating system (fsnotify). It also
// looks for itself every two seconds, as consul-template does (COMPAT 3.7):
// network file systems give no events, and a system has only so many to give.
// It follows a file through all the ways in which one is replaced: written in
// place, renamed over, deleted and made again, or reached through a symbolic
// link that changes, as in a volume of Kubernetes.
package filewatch

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// pollInterval is how often paths are looked at without any event.
const pollInterval = 2 * time.Second

// Options are how a Watcher watches.
type Options struct {
	// Settle is how long there must be no event before the paths are looked
	// at, so that what is written in several steps is one change. They are
	// looked at ten times as long after the first event at the latest.
	Settle time.Duration

	// Trees says that a directory changes when any file below it does.
	// Without it, only files change.
	Trees bool
}

// A Watcher watches paths, whether anything is there or not. Add and Remove
// may be called at any time, from any goroutine; Run does the work.
type Watcher struct {
	options Options
	open    func() (*fsnotify.Watcher, error) // fsnotify.NewWatcher, but in tests
	wake    chan struct{}                     // capacity 1: a path was added

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
		wake:    make(chan struct{}, 1),
		paths:   make(map[string]*watched),
	}
}

// Add begins to watch a path, anew if it is watched already.
func (w *Watcher) Add(path string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paths[path] = newWatched(path, w.options.Trees)
	select {
	case w.wake <- struct{}{}:
	default:
	}
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
			w.events.lose(w.options.Settle)
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
			changed = append(changed, p.path)
			p.failed = false
		}
	}
	w.ignore(all)
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

// ignore ends the events of the directories that no path needs.
func (w *Watcher) ignore(paths []*watched) {
	if w.system == nil {
		return
	}
	needed := make(map[string]bool)
	for _, p := range paths {
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

func (w *Watcher) close() {
	if w.system != nil {
		_ = w.system.Close()
		w.system = nil
	}
}

// maxSettles bounds how long events put off a look, in settling times.
const maxSettles = 10

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

// lose notes that there were events of which nothing is known.
func (e *events) lose(settle time.Duration) {
	e.lost = true
	e.quiet = time.After(settle)
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
