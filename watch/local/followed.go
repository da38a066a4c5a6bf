package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A location is where a file is.
type location struct {
	path string
	root string // a directory that the file must lie in, whatever links there are; "" for no limit
}

// A followed file is one that a follower reads. It belongs to the goroutine of
// run.
type followed struct {
	location
	report func(content string, err error)

	real string   // path without symbolic links
	dirs []string // where a change can make path another file: of each link, and of real

	tried   bool
	info    os.FileInfo // of what was read; nil: the newest attempt failed
	content string      // what was reported last
	failure string      // the error that was reported last, "" after a success
}

func (f *followed) untried() bool { return !f.tried }

// changed tells whether the file is not the one that was read, as far as its
// identity, size and time tell.
func (f *followed) changed() bool {
	info, err := os.Stat(f.path)
	if f.info == nil || err != nil {
		return true
	}
	return !os.SameFile(info, f.info) || info.Size() != f.info.Size() || !info.ModTime().Equal(f.info.ModTime())
}

// locate finds out which directories matter.
func (f *followed) locate() {
	f.dirs = f.dirs[:0]
	f.real = f.path
	if path, err := filepath.Abs(f.path); err == nil {
		links := maxLinks
		f.real = f.resolve(path, &links)
	}
	f.dirs = append(f.dirs, filepath.Dir(f.real))
}

// maxLinks is how many links are followed on the way to a file. A change
// beyond them is found by polling.
const maxLinks = 40

// resolve returns path without symbolic links, of which it follows so many at
// most, and notes the directory of each.
func (f *followed) resolve(path string, links *int) string {
	dir := filepath.Dir(path)
	if dir == path {
		return path
	}
	dir = f.resolve(dir, links)
	path = filepath.Join(dir, filepath.Base(path))
	target, err := os.Readlink(path)
	if err != nil || *links == 0 {
		return path
	}
	*links--
	f.dirs = append(f.dirs, dir)
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	return f.resolve(target, links)
}

// refresh reads the file and reports what is new.
func (f *followed) refresh() {
	content, info, err := f.location.read()
	first := !f.tried
	f.tried, f.info = true, info
	switch {
	case err != nil:
		if f.failure != err.Error() {
			f.failure = err.Error()
			f.report("", err)
		}
	case first || f.failure != "" || content != f.content:
		f.content, f.failure = content, ""
		f.report(content, nil)
	}
}

var errNotRegular = errors.New("not a regular file")

// read returns the content of the file, and what it was when the reading
// began; nil where it could not be read.
func (l location) read() (string, os.FileInfo, error) {
	if l.root == "" {
		return read(os.Stat, os.Open, l.path)
	}
	root, err := os.OpenRoot(l.root)
	if err != nil {
		return "", nil, err
	}
	defer root.Close()
	path, err := filepath.Rel(l.root, l.path)
	if err != nil {
		return "", nil, err
	}
	return read(root.Stat, root.Open, path)
}

func read(stat func(string) (os.FileInfo, error), open func(string) (*os.File, error), path string) (string, os.FileInfo, error) {
	info, err := stat(path)
	if err != nil {
		return "", nil, err
	}
	// To open a pipe can take for ever, and a device may have no end.
	if !info.Mode().IsRegular() && path != os.DevNull {
		return "", nil, &fs.PathError{Op: "read", Path: path, Err: errNotRegular}
	}
	file, err := open(path)
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return "", nil, err
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return "", nil, err
	}
	return string(content), info, nil
}
