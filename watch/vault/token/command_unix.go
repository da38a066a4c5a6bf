//go:build unix

package token

import (
	"os/exec"
	"syscall"
)

// ownGroup has cmd run in a process group of its own, and cmd.Cancel kill all
// of that.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
