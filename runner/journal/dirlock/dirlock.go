// Package dirlock locks a directory for as long as a process runs.
//
// A file in it is locked, and holds the process's id. On Linux the process also has
// an abstract socket, so that the directory stays locked when somebody removes it.
// Systems that have neither do without.
package dirlock

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"restencil/renderer/atomicfile"
)

// ErrInUse is the error when another process has locked a directory.
var ErrInUse = errors.New("another process uses it")

// ErrUntrusted is the error when others than this process's user can write to a
// directory.
var ErrUntrusted = errors.New("it is not safe")

// A Lock is the lock of a directory. It is not safe for concurrent use.
type Lock struct {
	dir  string
	name io.Closer // nil: not taken
	file *os.File  // nil: not taken
}

// New returns the lock of a directory, which is not taken yet.
func New(dir string) *Lock { return &Lock{dir: dir} }

// inUse returns ErrInUse by the process pid, 0: unknown.
func inUse(pid int) error {
	if pid == 0 {
		return ErrInUse
	}
	return fmt.Errorf("%w (pid %d)", ErrInUse, pid)
}

func (l *Lock) path() string { return filepath.Join(l.dir, "lock") }

// Held reports whether the lock is taken.
func (l *Lock) Held() bool { return l.file != nil }

// Take takes the lock. Without create it changes nothing, and the error is fs.ErrNotExist
// where there is no file to be locked; then no other process has the directory either.
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
	// The id is for people only. The disk may be full.
	if create && f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	l.file = f
	return nil
}

// Moved reports whether the locked file is not in the directory any more, because that
// was removed. Then the lock is to be taken again.
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

// Close releases the lock.
func (l *Lock) Close() (err error) {
	if l.file != nil {
		err = l.file.Close()
	}
	if l.name != nil {
		_ = l.name.Close()
	}
	l.file, l.name = nil, nil
	return err
}
