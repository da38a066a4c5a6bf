//go:build unix && !linux

package servers

import "syscall"

// ownGroup puts the process into a group of its own.
func ownGroup(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
