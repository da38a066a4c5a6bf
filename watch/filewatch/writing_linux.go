package filewatch

import (
	"errors"

	"golang.org/x/sys/unix"

	"restencil/renderer/atomicfile"
)

// beingWritten reports whether some process has a file open for writing: then
// the system refuses a lease on it with EAGAIN. It returns false if that cannot be
// found out, as for a file of another user.
func beingWritten(path string) bool {
	f, err := atomicfile.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() // which ends the lease
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	return errors.Is(err, unix.EAGAIN)
}
