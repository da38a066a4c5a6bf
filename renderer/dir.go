package renderer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"restencil/renderer/atomicfile"
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
	var linkErr *os.LinkError
	if errors.As(err, &linkErr) {
		return &fs.PathError{Op: linkErr.Op, Path: path, Err: linkErr.Err}
	}
	if pathErr, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: pathErr.Op, Path: path, Err: pathErr.Err}
	}
	return err
}
