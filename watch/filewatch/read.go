package filewatch

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ReadFile returns the content of a regular file. Whatever else has the name is
// an error, and does not hold the caller up: to open a named pipe can take for
// ever, and a device may have no end. The null device counts as an empty file.
func ReadFile(path string) ([]byte, error) { return ReadFileIn("", path) }

// ReadFileIn is ReadFile for a file that must lie in the directory root, behind
// all links. The empty root sets no limit.
func ReadFileIn(root, path string) ([]byte, error) {
	if root == "" {
		return read(os.Stat, os.OpenFile, path)
	}
	path, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}
	dir, err := os.OpenRoot(root)
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
		if err := regular(path, info); err != nil {
			return nil, err // to open a device can have effects
		}
	}
	file, err := open(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := regular(path, info); err != nil {
		return nil, err // it has changed since
	}
	return io.ReadAll(file)
}

// regular returns what is wrong unless info is of a regular file.
func regular(path string, info fs.FileInfo) error {
	what := "a device"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it is %s, not a regular file", what)}
}
