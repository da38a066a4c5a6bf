// Package filewatch tells when any of some files changes on disk, for
// -watch-config.
//
// A change is one of what a reader would find: it does not matter whether a
// file is written in place, renamed over, or reached through a link that
// changes, as in a volume of Kubernetes. Directories are looked at as a whole,
// with all files below them.
package filewatch

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long after an event the files are looked at: what
	// changes several files is one change.
	settle = 100 * time.Millisecond

	// pollInterval is how often they are looked at without any event, which
	// is all there is where the system gives none.
	pollInterval = 2 * time.Second
)

// Watch calls changed whenever the files or directories at paths are not as
// they were, until ctx ends. Both functions are called from Watch itself.
// Paths is asked again before each look, so what it returns may change.
func Watch(ctx context.Context, paths func() []string, changed func()) {
	w := &watcher{paths: paths}
	if events, err := fsnotify.NewWatcher(); err == nil {
		w.events = events
		defer events.Close()
	}
	w.run(ctx, changed)
}

type watcher struct {
	paths  func() []string
	events *fsnotify.Watcher // nil where the system has none to give
}

func (w *watcher) run(ctx context.Context, changed func()) {
	last, settling := w.look(), false
	timer := time.NewTimer(pollInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.event():
			if !settling {
				settling = true
				timer.Reset(settle)
			}
			continue
		case <-timer.C:
		}
		settling = false
		timer.Reset(pollInterval)
		if now := w.look(); now != last {
			changed()
			last = w.look() // there may be other paths now
		}
	}
}

func (w *watcher) event() <-chan fsnotify.Event {
	if w.events == nil {
		return nil
	}
	return w.events.Events
}

// A sum stands for all that a reader would find.
type sum [sha256.Size]byte

// look returns the sum of the files, and has the system tell of changes in
// the directories that they are in.
func (w *watcher) look() sum {
	h := sha256.New()
	for _, path := range w.paths() {
		w.listen(filepath.Dir(path))
		w.add(h, path)
	}
	return sum(h.Sum(nil))
}

// add puts what is at path into the sum, following links.
func (w *watcher) add(h hash.Hash, path string) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		fmt.Fprintf(h, "%q is not there\n", path)
		return
	}
	w.listen(filepath.Dir(real))
	// What cannot be read is as good as not there; the reload will say why.
	_ = filepath.WalkDir(real, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir
		}
		if d.IsDir() {
			w.listen(p)
		}
		if info, err := os.Stat(p); err == nil && !info.IsDir() {
			fmt.Fprintf(h, "%q %q %d %d\n", path, p, info.Size(), info.ModTime().UnixNano())
		}
		return nil
	})
}

func (w *watcher) listen(dir string) {
	if w.events != nil {
		// Without it, polling finds the change.
		_ = w.events.Add(dir)
	}
}
