package renderer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"restencil/renderer/fileattr"
)

// overwrite gives the file at path, which stays the same file, the bytes of
// src and the attributes a.
func (d dir) overwrite(path string, src io.ReaderAt, size int64, a fileattr.Attrs) error {
	f, err := d.open(path, os.O_WRONLY)
	if err != nil {
		return err
	}
	err = a.Apply(f, func() error { return rewrite(f, src, size) })
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// rewrite replaces the bytes of f. What lies beyond its present end goes
// first: only that needs new space, and where there is none, f is as before.
func rewrite(f *os.File, src io.ReaderAt, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := info.Size()
	if size > end {
		if err := copyRange(f, src, end, size); err != nil {
			return errors.Join(err, f.Truncate(end))
		}
	}
	if err := copyRange(f, src, 0, min(size, end)); err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	return f.Sync()
}

// copyRange copies the bytes from from up to to to the same place in f.
func copyRange(f *os.File, src io.ReaderAt, from, to int64) error {
	_, err := io.Copy(io.NewOffsetWriter(f, from), io.NewSectionReader(src, from, to-from))
	return err
}

// setAttrs sets mode and owner of the file at path, provided that it is still
// the one that was looked at.
func (d dir) setAttrs(path string, looked fs.FileInfo, a fileattr.Attrs) error {
	f, err := d.open(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, looked) {
		return fmt.Errorf("%s was replaced while its mode and owner were being set", path)
	}
	return a.Apply(f, nil)
}
