//go:build unix

package process

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// orphanGrace is how long the other processes of a command's group have to end after
// the command itself.
const orphanGrace = 100 * time.Millisecond

func (p *process) signalGroup(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return errors.ErrUnsupported
	}
	return syscall.Kill(-p.os.Pid, s)
}

// stop sends SIGTERM to the process group, and kills the rest of it after the grace,
// or orphanGrace after the end of the process itself: the rest may be zombies that
// nobody waits for.
func (p *process) stop(grace time.Duration) {
	_ = p.signalGroup(syscall.SIGTERM)
	if !p.wait(grace) {
		p.Kill()
		return
	}
	limit, tick := time.After(orphanGrace), time.Tick(orphanGrace/20)
	for p.groupLives() {
		select {
		case <-tick:
		case <-limit:
			p.Kill()
			return
		}
	}
}

func (p *process) groupLives() bool { return !errors.Is(syscall.Kill(-p.os.Pid, 0), syscall.ESRCH) }

// reap waits for the end of a process, so that no zombie stays, or for that of ctx.
func reap(ctx context.Context, p *os.Process) {
	defer p.Release()
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGCHLD)
	defer signal.Stop(ends)
	for {
		if id, _ := syscall.Wait4(p.Pid, nil, syscall.WNOHANG, nil); id != 0 { // it has ended, or is not to be waited for
			return
		}
		select {
		case <-ends:
		case <-ctx.Done():
			return
		}
	}
}

// readReady reads what is in the pipe, without waiting. It returns 0 if that is
// nothing.
func readReady(r *os.File, buf []byte) int {
	conn, err := r.SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	_ = conn.Read(func(fd uintptr) bool {
		n, _ = syscall.Read(int(fd), buf)
		return true
	})
	return max(n, 0)
}

// atTerminal reports whether this process group is in the foreground of a terminal. A
// child in another group could not read from it. As in consul-template, a child of
// the shell has its own group all the same.
func atTerminal() bool {
	group, err := unix.IoctlGetInt(syscall.Stdin, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func (p *process) Members(sig os.Signal) map[int]bool {
	if !p.group || !p.groupLives() {
		return nil
	}
	return members(p.os.Pid, sig)
}
