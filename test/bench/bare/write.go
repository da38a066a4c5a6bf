package main

import (
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// writeAll writes content to all files, by at most 32 writers.
func writeAll(files []string, content []byte) error {
	const writers = 32
	if len(files) == 1 {
		return write(files[0], content)
	}
	var group errgroup.Group
	group.SetLimit(writers)
	for _, file := range files {
		group.Go(func() error { return write(file, content) })
	}
	return group.Wait()
}

// write replaces a file, durably and at once.
func write(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".out-")
	if err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
