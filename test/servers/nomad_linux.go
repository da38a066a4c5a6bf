package servers

import (
	"os"
	"syscall"
)

// ownMounts gives a process mounts of its own, as root: Nomad mounts a file system for
// the secrets of each task, which ends with the process then.
func ownMounts(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	if os.Getuid() == 0 {
		attr.Unshareflags = syscall.CLONE_NEWNS
	}
	return attr
}
