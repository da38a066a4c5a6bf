// Package atomicfile writes small files all at once and durably: whoever opens
// one sees the old content or the new, and what was written outlasts a loss of
// power. It opens regular files, too, and never waits for a named pipe or a
// device that is in the place of one.
package atomicfile

import (
	"errors"
	"fmt"
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
