package servers

import "syscall"

// ownGroup puts the process into a group of its own, and has the kernel send
// it the signal when the test process dies.
func ownGroup(death syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death}
}
