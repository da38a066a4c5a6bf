// Package disk makes the changes on disk that a journal needs. Each is one step, and
// a test can end the process before any of them.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"restencil/renderer"
	"restencil/renderer/atomicfile"
)

// A Disk makes changes.
type Disk struct {
	ReadOnly bool         // damaged files are left alone
	Warn     func(error)  // is called with damage to files; required
	Step     func(string) // is called before each change, with a description; nil: it is not
	Quick    bool         // nothing is put on stable storage, for tests
}

func (d Disk) before(format string, args ...any) {
	if d.Step != nil {
		d.Step(fmt.Sprintf(format, args...))
	}
}

// Append writes line to the file at path after its first size bytes, in place of the
// rest, and returns the new size. A file that is shorter, because somebody removed
// it, starts again. The line is on stable storage if sync is set or it is the first.
// After an error the first size bytes are the same.
func (d Disk) Append(path string, size int64, line []byte, sync bool) (int64, error) {
	f, err := atomicfile.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() != size {
		if info.Size() < size {
			size = 0
		}
		d.before("truncate %s", path)
		if err := f.Truncate(size); err != nil {
			return 0, err
		}
	}
	d.before("write %s", path)
	if _, err := f.WriteAt(line, size); err != nil {
		return 0, errors.Join(err, f.Truncate(size))
	}
	if sync || size == 0 {
		d.before("sync %s", path)
		if !d.Quick {
			err = f.Sync()
		}
	}
	if err == nil && size == 0 {
		err = d.SyncDir(filepath.Dir(path))
	}
	return size + int64(len(line)), err
}

// Replace replaces the file at path atomically and durably.
func (d Disk) Replace(path string, data []byte) error {
	d.before("replace %s", path)
	return atomicfile.Write(path, data)
}

// Rename moves a file to another path, which may be a mount point.
func (d Disk) Rename(from, to string) error {
	d.before("rename %s to %s", from, to)
	err := os.Rename(from, to)
	if !errors.Is(err, syscall.EBUSY) && !errors.Is(err, syscall.EXDEV) {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := atomicfile.ReadFile(from)
	if err != nil {
		return err
	}
	d.before("write %s", to)
	if _, err := renderer.Write(renderer.File{Path: to, Content: data, Perm: info.Mode()}); err != nil {
		return err
	}
	return d.Remove(from)
}

// Remove removes the file at path, if there is one.
func (d Disk) Remove(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d.before("remove %s", path)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Mkdir makes a directory that only its owner may use, and its parents, where they
// are missing.
func (d Disk) Mkdir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := d.Mkdir(parent); err != nil {
			return err
		}
	}
	d.before("mkdir %s", path)
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) { // another bundle may just have made it
		return err
	}
	return d.SyncDir(parent)
}

// SyncDir puts the entries of dir on stable storage, where the system can.
func (d Disk) SyncDir(dir string) error {
	d.before("sync %s", dir)
	if d.Quick {
		return nil
	}
	return atomicfile.SyncDir(dir)
}

const damagedSuffix = ".damaged" // ends the name of a damaged file that was renamed

// Damaged renames a file that is damaged, to be kept, and warns.
func (d Disk) Damaged(path string, why error) {
	if d.ReadOnly {
		return
	}
	err := fmt.Errorf("the state file %s is damaged: %w (it is kept as %s%s)", path, why, path, damagedSuffix)
	d.Warn(errors.Join(err, d.Rename(path, path+damagedSuffix)))
}

// WasDamaged reports whether Damaged has renamed the file at path.
func (d Disk) WasDamaged(path string) bool {
	_, err := os.Lstat(path + damagedSuffix)
	return err == nil
}
