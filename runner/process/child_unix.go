//go:build unix

package process

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"restencil/runner/process/group"
)

// Spawn starts a child.
func (e *Executor) Spawn(args, env []string) (Process, error) {
	cmd, err := newCommand(args, env)
	if err != nil {
		return nil, err
	}
	shell := len(cmd.Args) > len(args)
	cmd.Stdin = os.Stdin
	if shell || !atTerminal() {
		ownGroup(cmd)
	}
	dieWithParent(cmd)
	p, err := e.start(cmd, printing{own: true}, true)
	if err != nil {
		return nil, err
	}
	return &childProcess{process: p, wide: shell}, nil
}

// atTerminal tells whether people talk to the process group at a terminal. A
// group of its own could not read there. As in consul-template, only a child
// that the shell starts has one all the same.
func atTerminal() bool {
	group, err := unix.IoctlGetInt(syscall.Stdin, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// A childProcess is a process as supervisors see it.
type childProcess struct {
	*process
	wide bool
}

func (p *childProcess) ID() int     { return p.pid }
func (p *childProcess) Shell() bool { return p.wide }
func (p *childProcess) Kill()       { p.kill() }

func (p *childProcess) Members(sig os.Signal) map[int]bool {
	if !p.group || errors.Is(syscall.Kill(-p.pid, 0), syscall.ESRCH) {
		return nil
	}
	return group.Members(p.pid, sig)
}

// signal sends a signal to p, if it has not ended, or to its group. The signal
// 0 is none.
func (p *process) Signal(sig os.Signal, group bool) error {
	s, ok := sig.(syscall.Signal)
	if !ok || s == NoSignal {
		return nil
	}
	if group && p.group {
		return syscall.Kill(-p.pid, s)
	}
	// Its id may be another's as soon as its end was taken note of.
	p.owner.mu.Lock()
	defer p.owner.mu.Unlock()
	if p.owner.running[p.pid] != p {
		return os.ErrProcessDone
	}
	return syscall.Kill(p.pid, s)
}
