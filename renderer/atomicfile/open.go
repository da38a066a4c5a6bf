package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ErrNotRegular says that there is a directory, a named pipe, a socket or a
// device where a file is expected.
var ErrNotRegular = errors.New("not a regular file")

// Open is OpenFile for reading.
func Open(path string) (*os.File, error) {
	return OpenFile(path, os.O_RDONLY, 0)
}

// OpenFile is os.OpenFile for regular files and os.DevNull. It does not wait, as
// opening a named pipe or a device could for ever.
func OpenFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	return OpenWith(os.OpenFile, path, flag, perm)
}

// OpenWith is OpenFile by way of open, such as an os.Root's OpenFile.
func OpenWith(open func(string, int, fs.FileMode) (*os.File, error), path string, flag int, perm fs.FileMode) (*os.File, error) {
	op := "read"
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		op = "write"
	}
	f, err := open(path, flag|syscall.O_NONBLOCK, perm)
	if errors.Is(err, syscall.ENXIO) { // a pipe that nobody reads, or a socket
		return nil, &fs.PathError{Op: op, Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && path != os.DevNull {
		err = Regular(op, path, info.Mode())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Regular returns the error of op unless what is at path is a regular file, as
// its mode tells.
func Regular(op, path string, mode fs.FileMode) error {
	what := "a device"
	switch {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return &fs.PathError{Op: op, Path: path, Err: fmt.Errorf("it is %s, %w", what, ErrNotRegular)}
}

// ReadFile is os.ReadFile for what Open opens.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
