// Package atomicfile writes small files all at once and durably: whoever opens
// one sees the old content or the new, and what was written outlasts a loss of
// power. It opens regular files, too, and never waits for a named pipe or a
// device that is in the place of one.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Write makes the file at path hold data, readable by its owner alone. The
// directory must exist. After an error the file is as it was before, unless the
// error is that of making the new name durable.
//
// It is not for several writers at the same time: the new content is first
// written to path + ".new", and what a crash left there is replaced.
func Write(path string, data []byte) error {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := Create(nil, temp, 0o600, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return SyncDir(filepath.Dir(path))
}

// Create makes a new file with this mode, less the umask, and has fill write it; in
// the directory that root is, whatever path leads to now, unless root is nil. When it
// returns, what the file holds is on stable storage; its name is not, before
// [SyncDir]. The error is fs.ErrExist where there is something at path. After any
// error nothing that Create made stays behind.
func Create(root *os.Root, path string, perm fs.FileMode, fill func(*os.File) error) error {
	open, remove, name := os.OpenFile, os.Remove, path
	if root != nil {
		open, remove, name = root.OpenFile, root.Remove, filepath.Base(path)
	}
	f, err := open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return fmt.Errorf("cannot create a file in %s: %w", filepath.Dir(path), errors.Unwrap(err)) // without the name
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = remove(name)
	}
	return err
}

// SyncDir puts the names in a directory on stable storage, where the system
// can.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		// A directory that may be written to but not read.
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

// ErrNotRegular says that there is a directory, a named pipe, a socket or a
// device where a file is expected.
var ErrNotRegular = errors.New("not a regular file")

// Open is OpenFile for reading.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY, 0) }

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
