package filewatch

import (
	"path/filepath"
	"slices"
	"time"
)

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
