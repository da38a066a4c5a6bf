package renderer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"restencil/renderer/atomicfile"
	"restencil/renderer/fileattr"
)

// A dir is the directory of a destination. Its functions are those of package
// os, for paths of files in it. With a root they go through its descriptor: who
// puts another directory, or a link, in its place changes nothing.
type dir struct{ root *os.Root }

func (d dir) lstat(path string) (fs.FileInfo, error) {
	if d.root == nil {
		return os.Lstat(path)
	}
	info, err := d.root.Lstat(filepath.Base(path))
	return info, onBehalf(path, err)
}

// open is atomicfile.OpenFile.
func (d dir) open(path string, flag int) (*os.File, error) {
	if d.root == nil {
		return atomicfile.OpenFile(path, flag, 0)
	}
	f, err := atomicfile.OpenWith(d.root.OpenFile, filepath.Base(path), flag, 0)
	return f, onBehalf(path, err)
}

func (d dir) readlink(path string) (string, error) {
	if d.root == nil {
		return os.Readlink(path)
	}
	return d.root.Readlink(filepath.Base(path))
}

func (d dir) symlink(target, path string) error {
	if d.root == nil {
		return os.Symlink(target, path)
	}
	return onBehalf(path, d.root.Symlink(target, filepath.Base(path)))
}

func (d dir) link(from, to string) error {
	if d.root == nil {
		return os.Link(from, to)
	}
	return onBehalf(to, d.root.Link(filepath.Base(from), filepath.Base(to)))
}

// rename names the new path in its error, not the old one, which is temporary.
func (d dir) rename(from, to string) error {
	if d.root == nil {
		return onBehalf(to, os.Rename(from, to))
	}
	return onBehalf(to, d.root.Rename(filepath.Base(from), filepath.Base(to)))
}

func (d dir) remove(path string) error {
	if d.root == nil {
		return os.Remove(path)
	}
	return onBehalf(path, d.root.Remove(filepath.Base(path)))
}

// onBehalf returns err, of an operation on a temporary file, or by another name,
// as one on path.
func onBehalf(path string, err error) error {
	if linkErr, ok := errors.AsType[*os.LinkError](err); ok {
		return &fs.PathError{Op: linkErr.Op, Path: path, Err: linkErr.Err}
	}
	if pathErr, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: pathErr.Op, Path: path, Err: pathErr.Err}
	}
	return err
}

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
