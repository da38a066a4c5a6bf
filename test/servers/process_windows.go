package servers

import (
	"errors"
	"syscall"
)

func ownGroup(syscall.Signal) *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func (p *process) pauseGroup() error { return errors.ErrUnsupported }

func (p *process) resumeGroup() error { return errors.ErrUnsupported }

func (p *process) killGroup() { _ = p.cmd.Process.Kill() }

func (p *process) terminate() { _ = p.cmd.Process.Kill() }
