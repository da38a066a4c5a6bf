package control

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// reachable returns a path of the socket that can be listened at and dialled.
// It is good until done is called. Where the real one is too long, it leads
// through a descriptor of the directory: so the socket is in the directory all
// the same, and as safe as that.
func reachable(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, socketName)
	if len(path) <= maxPath {
		return path, func() {}, nil
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", fd, socketName), func() { _ = unix.Close(fd) }, nil
}
