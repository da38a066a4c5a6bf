//go:build unix

package dirlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// trusted returns an error that is ErrUntrusted unless only this process's user,
// or root, can write to dir. What others can write could have any file put in the
// place of any other.
func trusted(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case ok && int(st.Uid) != os.Geteuid():
		return fmt.Errorf("%w: it belongs to uid %d, and this process runs as uid %d: run it as that user, chown the directory, or set state_dir to another directory", ErrUntrusted, st.Uid, os.Geteuid())
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%w: others may write to it (mode %#o): chmod go-w the directory, or set state_dir to another directory, such as one in it", ErrUntrusted, info.Mode().Perm())
	}
	return nil
}

// lock locks f until it is closed, be it by the end of the process. A file
// system that has no locks, or none for a file that is only read, does without.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrInUse
		default:
			return nil
		}
	}
}
