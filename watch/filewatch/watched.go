package filewatch

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

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
	failed bool                   // they could not be read when they were reported last
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
	// What cannot be read is as good as not there. Who reads it learns why.
	_ = filepath.WalkDir(p.real, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir() && !p.tree:
			return fs.SkipDir
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

// resolve returns path without symbolic links, of which it follows so many at
// most. It calls listen with the directory of each.
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
