package filewatch

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"restencil/renderer/atomicfile"
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
	// With the dot the system refuses what is no directory, and does not wait for it.
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
			return nil, err // to open a device can have effects
		}
	}
	file, err := atomicfile.OpenWith(open, path, os.O_RDONLY, 0) // it may have changed since
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}
