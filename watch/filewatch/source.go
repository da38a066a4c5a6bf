package filewatch

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"restencil/renderer/atomicfile"
	"restencil/watch"
)

// Source is the watch.Source of the function file: it answers FileContent with
// the content of the file at the path, relative to the working directory, as a
// string. Params may name a directory that must contain the file, with all links
// resolved, at each reading.
//
// A file that cannot be read is a failure. It is read again as soon as it exists:
// unlike in consul-template (COMPAT 3.7), a missing file is never fatal.
type Source struct {
	watcher *Watcher

	mu    sync.Mutex
	files map[watch.Query]*file
}

// A file is a query, its sink, and what the sink received last.
type file struct {
	query watch.Query
	sink  watch.Sink

	// Run's own.
	known   bool
	content string
	failure string // "" after an answer
}

// NewSource returns a source that watches no file yet.
func NewSource() *Source {
	return &Source{
		watcher: New(Options{}),
		files:   make(map[watch.Query]*file),
	}
}

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) { s.watcher.Run(ctx, s.refresh) }

// Watch implements watch.Source.
func (s *Source) Watch(list ...watch.Subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sub := range list {
		q := sub.ID.Value()
		s.files[q] = &file{query: q, sink: sub.Sink}
		s.watcher.Add(q.Name)
	}
}

// Unwatch implements watch.Source.
func (s *Source) Unwatch(ids ...watch.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.files, id.Value())
	}
	named := make(map[string]bool) // queries with different Params name one file
	for q := range s.files {
		named[q.Name] = true
	}
	for _, id := range ids {
		if name := id.Value().Name; !named[name] {
			s.watcher.Remove(name)
		}
	}
}

// refresh implements Report: it reads the files and passes changes to their sinks.
func (s *Source) refresh(added, changed []string) (failed []string) {
	for _, path := range slices.Concat(added, changed) {
		var files []*file
		s.mu.Lock()
		for q, file := range s.files {
			if q.Name == path {
				files = append(files, file)
			}
		}
		s.mu.Unlock()
		for _, file := range files {
			if err := file.refresh(); err != nil {
				failed = append(failed, path)
			}
		}
	}
	return failed
}

func (f *file) refresh() error {
	read, err := ReadFileIn(f.query.Params, f.query.Name)
	content := string(read)
	if at, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrNotExist) {
		at.Op = "stat" // as in consul-template's error
	}
	switch {
	case err != nil:
		if f.failure != err.Error() {
			f.failure = err.Error()
			f.sink.Fail(&watch.Error{Query: f.query, Class: watch.Retry, Err: err})
		}
	case !f.known || f.failure != "" || content != f.content:
		f.known, f.content, f.failure = true, content, ""
		f.sink.Publish(watch.Answer{Data: content, Time: time.Now()})
	}
	return err
}

// ReadFile returns the content of a regular file. Anything else is an error at
// once: opening a named pipe may block for ever, and a device may have no end.
// The null device counts as an empty file.
func ReadFile(path string) ([]byte, error) { return ReadFileIn("", path) }

// ReadFileIn is ReadFile for a file that must be in the directory root, with all
// links resolved. The empty root sets no limit.
func ReadFileIn(root, path string) ([]byte, error) {
	if root == "" {
		return read(os.Stat, os.OpenFile, path)
	}
	path, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}
	// With the dot, opening anything but a directory fails and does not block.
	dir, err := os.OpenRoot(root + string(filepath.Separator) + ".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return read(dir.Stat, dir.OpenFile, path)
}

func read(
	stat func(string) (fs.FileInfo, error),
	open func(string, int, fs.FileMode) (*os.File, error),
	path string,
) ([]byte, error) {
	if info, err := stat(path); err == nil {
		if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
			return nil, nil
		}
		if err := atomicfile.Regular("read", path, info.Mode()); err != nil {
			return nil, err // opening a device can have effects
		}
	}
	file, err := atomicfile.OpenWith(open, path, os.O_RDONLY, 0) // checks again: it may have changed
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}
