// Package atomicfile writes small files atomically and durably: whoever opens one sees
// the old content or the new, and what was written survives a loss of power. It also
// opens regular files without ever waiting for a named pipe or a device.
package atomicfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// Write writes data to the file at path, readable by its owner alone. The directory
// must exist. After an error the file is as it was before, unless SyncDir failed.
//
// Write must not be called concurrently for a path: it first writes to path + ".new",
// and replaces what a crash left there.
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

// Create creates a file with this mode, less the umask, and has fill write it. With a
// root, it does so in that directory, wherever path leads now. When Create returns,
// the content of the file is on stable storage; its name is after [SyncDir]. The error
// is fs.ErrExist if something is at path. After an error no file stays.
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
	if err = cmp.Or(err, f.Close()); err != nil {
		_ = remove(name)
	}
	return err
}

// SyncDir puts the names in a directory on stable storage, if the system can.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil // it may be written to, but not read
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

// ErrNotRegular says that a path leads to a directory, a named pipe, a socket or a
// device, not to a file.
var ErrNotRegular = errors.New("not a regular file")

// Open is OpenFile for reading.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY, 0) }

// OpenFile is os.OpenFile for regular files and os.DevNull. Opening anything else
// could block; OpenFile returns [ErrNotRegular].
func OpenFile(path string, flag int, perm fs.FileMode) (*os.File, error) {
	return OpenWith(os.OpenFile, path, flag, perm)
}

// OpenWith is OpenFile with another os.OpenFile, such as that of an os.Root.
func OpenWith(open func(string, int, fs.FileMode) (*os.File, error), path string, flag int, perm fs.FileMode) (*os.File, error) {
	op := "read"
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		op = "write"
	}
	f, err := open(path, flag|syscall.O_NONBLOCK, perm)
	if errors.Is(err, syscall.ENXIO) { // a named pipe without a reader, or a socket
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

// Regular returns nil if mode is that of a regular file, else the error of op at path.
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

// ReadFile is os.ReadFile for the files that Open opens.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
