package filewatch

import (
	"context"
	"maps"
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
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
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
		case <-poll.C:
			w.look((*watched).moved, report)
		}
	}
}

// look looks at the paths that are new and at those that may have changed, and
// reports what it finds.
func (w *Watcher) look(mayHaveChanged func(*watched) likelihood, report Report) {
	opened := w.listen()
	all := w.all()
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

func (w *Watcher) all() []*watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Values(w.paths))
}

// listen opens the system's watcher unless that is open, and tells whether it
// did: then it has no directory yet.
func (w *Watcher) listen() bool {
	if w.system != nil {
		return false
	}
	system, err := w.open()
	if err != nil {
		return false // polling is all there is
	}
	w.system = system
	return true
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
