//go:build unix

package vault

import (
	"os/exec"
	"strings"
	"syscall"
)

// commandLine returns the program and arguments that args stand for: a single
// element of several words is for the shell (COMPAT 4.6.1).
func commandLine(args []string) ([]string, error) {
	switch words := strings.Fields(args[0]); {
	case len(words) == 0:
		return nil, exec.ErrNotFound
	case len(args) > 1:
		return args, nil
	case len(words) == 1:
		return words, nil
	}
	return []string{"/bin/sh", "-c", args[0]}, nil
}

// ownGroup has cmd run in a process group of its own, all of which ends when
// its context does.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// endGroup kills what is left of a command's process group.
func endGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
