//go:build unix

package servers

import "syscall"

// pauseGroup stops the process where it is, as if the machine had frozen.
func (p *process) pauseGroup() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGSTOP) }

// resumeGroup lets a paused process go on.
func (p *process) resumeGroup() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGCONT) }

func (p *process) killGroup() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

// terminate asks the process to end. One that is paused could not hear it.
func (p *process) terminate() {
	_ = p.resumeGroup()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
}
