package dirlock

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// takeName takes the name of a directory, or returns ErrInUse. It is that of a socket in
// the abstract namespace: the kernel frees it when the process ends. Containers that share
// a network have different names for directories of the same path. Where sockets do not
// work, or a user who may not use the directory has taken the name, there is no lock.
func takeName(dir string) (io.Closer, error) {
	name, err := nameOf(dir)
	if err != nil {
		return nil, nil
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	switch {
	case err == nil:
		return l, nil
	case !errors.Is(err, syscall.EADDRINUSE):
		return nil, nil
	}
	owner, err := ownerOf(name)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED): // it has ended just now
		return nil, nil
	case err != nil:
		return nil, ErrInUse
	case owner.Uid != 0 && int(owner.Uid) != os.Geteuid():
		return nil, nil
	}
	return nil, inUse(int(owner.Pid))
}

// nameOf returns the name for a directory, which need not exist.
func nameOf(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if parent, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(parent, filepath.Base(path))
	}
	var root unix.Stat_t
	if err := unix.Stat("/", &root); err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", root.Dev, root.Ino, path))
	return fmt.Sprintf("@restencil-state-%x", sum[:16]), nil
}

// ownerOf returns who listens at a name.
func ownerOf(name string) (*unix.Ucred, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		return nil, err
	}
	return unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
}
