// Package dirlock makes a directory one process's own for as long as it runs.
//
// A file in it is locked, and holds the process's id. On Linux the process also has
// a name that is no file, by which the directory stays its own when somebody
// removes it. Where the system has neither, all do without.
package dirlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"restencil/renderer/atomicfile"
)

// ErrInUse is why a directory cannot be had: another process has it. The error says
// which, if that is known.
var ErrInUse = errors.New("another process uses it")

// ErrUntrusted is why a directory is not used: others than this process's user can
// write to it. The error says how, and what to do.
var ErrUntrusted = errors.New("it is not safe")

// A Lock is what makes a directory a process's own. It is not for concurrent use.
type Lock struct {
	dir  string
	name *nameLock // nil: not taken
	file *os.File  // nil: not taken
}

// New returns a Lock of a directory, which is not taken yet.
func New(dir string) *Lock { return &Lock{dir: dir} }

// inUse returns ErrInUse by the process pid; 0: by one that is not known.
func inUse(pid int) error {
	if pid == 0 {
		return ErrInUse
	}
	return fmt.Errorf("%w (pid %d)", ErrInUse, pid)
}

func (l *Lock) path() string { return filepath.Join(l.dir, "lock") }

// Held tells whether the directory is this process's own.
func (l *Lock) Held() bool { return l.file != nil }

// Take makes the directory this process's own. Where there is no file to be locked,
// and none is to be made, its error is fs.ErrNotExist; then nobody else has the
// directory either.
func (l *Lock) Take(create bool) error {
	if err := trusted(l.dir); err != nil {
		return err
	}
	if l.name == nil {
		name, err := takeName(l.dir)
		if err != nil {
			return err
		}
		l.name = name
	}
	if l.file != nil {
		return nil
	}
	flag := os.O_RDWR
	if create {
		flag |= os.O_CREATE
	}
	f, err := atomicfile.OpenFile(l.path(), flag, 0o600)
	if !create && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)) {
		f, err = atomicfile.Open(l.path())
	}
	if err != nil {
		return err
	}
	if err := lock(f); err != nil {
		text, _ := atomicfile.ReadFile(l.path())
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text))) // 0: it is not known
		err = inUse(pid)
		f.Close()
		_ = l.Close() // the error that counts is err
		return err
	}
	// Who it is matters to people only. It may be open for reading, or the disk
	// be full.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	l.file = f
	return nil
}

// Moved tells whether the locked file is not in the directory any more, because
// that was removed. Then it is to be taken again.
func (l *Lock) Moved() bool {
	if l.file == nil {
		return false
	}
	there, err := os.Stat(l.path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err == nil {
		if ours, err := l.file.Stat(); err != nil || os.SameFile(there, ours) {
			return false
		}
	}
	l.file.Close()
	l.file = nil
	return true
}

// Close lets go of the directory.
func (l *Lock) Close() (err error) {
	if l.file != nil {
		err = l.file.Close()
	}
	l.name.close()
	l.file, l.name = nil, nil
	return err
}
