package journal

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

// A disk does all that changes something on disk. Tests can end it at any
// step.
type disk struct {
	step  func(string) // called before each change, with what it is; nil: not
	quick bool         // nothing is put on stable storage; for tests in which no power is lost
}

func (d disk) before(format string, args ...any) {
	if d.step != nil {
		d.step(fmt.Sprintf(format, args...))
	}
}

// append writes line to the file at path, behind its first size bytes, and
// returns where it ends: what comes after those was not written to the end.
// Where that fails, these bytes are all that counts still. A file that has
// become shorter, because somebody removed it, begins anew.
func (d disk) append(path string, size int64, line []byte, sync bool) (int64, error) {
	f, err := atomicfile.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if size, err = d.cut(f, size); err != nil {
		return 0, err
	}
	d.before("write %s", path)
	if _, err := f.WriteAt(line, size); err != nil {
		return 0, errors.Join(err, f.Truncate(size))
	}
	if sync || size == 0 {
		d.before("sync %s", path)
		err = d.sync(f)
	}
	if err == nil && size == 0 {
		err = d.syncDir(filepath.Dir(path))
	}
	return size + int64(len(line)), err
}

// cut shortens f to size bytes, or to none if it has fewer, and returns how
// many it has then.
func (d disk) cut(f *os.File, size int64) (int64, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == size {
		return size, err
	}
	if info.Size() < size {
		size = 0
	}
	d.before("truncate %s", f.Name())
	return size, f.Truncate(size)
}

// replace makes the file at path hold data, all at once and durably.
func (d disk) replace(path string, data []byte) error {
	d.before("replace %s", path)
	return atomicfile.Write(path, data)
}

// put moves the file from to to, which may be a mount point.
func (d disk) put(from, to string) error {
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
	return d.remove(from)
}

func (d disk) rename(from, to string) error {
	d.before("rename %s to %s", from, to)
	return os.Rename(from, to)
}

// remove removes the file at path, if there is one.
func (d disk) remove(path string) error {
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

// mkdir makes a directory that nobody else can look into, and its parents, as
// far as they are missing.
func (d disk) mkdir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := d.mkdir(parent); err != nil {
			return err
		}
	}
	d.before("mkdir %s", path)
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) { // another bundle's note may be as far
		return err
	}
	return d.syncDir(parent)
}

// syncDir puts the entries of dir on stable storage, where the system can.
func (d disk) syncDir(dir string) error {
	d.before("sync %s", dir)
	if d.quick {
		return nil
	}
	return atomicfile.SyncDir(dir)
}

func (d disk) sync(f *os.File) error {
	if d.quick {
		return nil
	}
	return f.Sync()
}
