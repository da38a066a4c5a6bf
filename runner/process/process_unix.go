//go:build unix

package process

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// orphanGrace is how long the other processes of a command's group have to end
// when the command itself has.
const orphanGrace = 100 * time.Millisecond

// children starts processes and notes their ends. One goroutine listens to
// SIGCHLD, since a goroutine that waits for one process could not be joined before
// that process ends.
type children struct {
	mu      sync.Mutex
	running map[int]*process // by process id; nil before the first start
	stop    chan struct{}
	work    sync.WaitGroup // the reaper, and the goroutines of startOnThread
}

// A process is one that was started.
type process struct {
	pid    int
	group  bool          // it leads a process group of its own
	shell  bool          // it is the shell that a child was given to
	ended  chan struct{} // closed at its end
	status Status        // valid once it has ended
	out    *output
	owner  *children
}

// start starts cmd. Its end is noted even if nobody is to be told, so that it does
// not stay as a zombie.
func (c *children) start(cmd *exec.Cmd, _ bool) (*process, error) {
	// The end of a process that is not in the map yet must not be overlooked.
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		c.running = make(map[int]*process)
		c.stop = make(chan struct{})
		ends := make(chan os.Signal, 1)
		signal.Notify(ends, syscall.SIGCHLD)
		c.work.Go(func() {
			defer signal.Stop(ends)
			for {
				select {
				case <-ends:
					c.collect()
				case <-c.stop:
					return
				}
			}
		})
	}
	p := &process{
		group: cmd.SysProcAttr != nil && cmd.SysProcAttr.Setpgid,
		ended: make(chan struct{}),
		owner: c,
	}
	start := cmd.Start
	if diesWithParent(cmd) {
		start = func() error { return c.startOnThread(cmd, p.ended) }
	}
	if err := start(); err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	c.running[p.pid] = p
	// Waiting is done here, not by package os.
	return p, cmd.Process.Release()
}

// startOnThread starts cmd from a thread that lives until the process has ended,
// or this program does: the kernel takes the end of the thread that started a
// process for that of its parent.
func (c *children) startOnThread(cmd *exec.Cmd, ended <-chan struct{}) error {
	started := make(chan error, 1)
	c.work.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // it is kept for other goroutines
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		select {
		case <-ended:
		case <-c.stop:
		}
	})
	return <-started
}

// collect notes the processes that have ended.
func (c *children) collect() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pid, p := range c.running {
		var wait syscall.WaitStatus
		got, err := syscall.Wait4(pid, &wait, syscall.WNOHANG, nil)
		switch {
		case got == 0:
			continue
		case err != nil:
			p.status = Status{Code: codeUnknown}
		case wait.Signaled():
			p.status = Status{Code: codeSignalled, Signal: wait.Signal().String()}
		default:
			p.status = Status{Code: wait.ExitStatus()}
		}
		close(p.ended)
		delete(c.running, pid)
	}
}

// close joins the goroutines. Processes that still run go on.
func (c *children) close() {
	if c.stop != nil {
		close(c.stop)
	}
	c.work.Wait()
}

func (p *process) Kill() {
	// It may have ended by itself meanwhile.
	_ = p.Signal(syscall.SIGKILL, true)
}

// stop asks the process group to end, and kills what is left of it after the
// grace. What the process itself leaves behind when it ends gets orphanGrace only:
// it may consist of zombies for which nobody waits.
func (p *process) stop(grace time.Duration) {
	_ = syscall.Kill(-p.pid, syscall.SIGTERM)
	if !p.awaitEnd(grace) {
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

func (p *process) groupLives() bool { return !errors.Is(syscall.Kill(-p.pid, 0), syscall.ESRCH) }

// readReady reads what is in the pipe, without waiting for more. It returns 0
// if that is nothing.
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

// atTerminal tells whether people talk to the process group at a terminal. A
// group of its own could not read there. As in consul-template, only a child
// that the shell starts has one all the same.
func atTerminal() bool {
	group, err := unix.IoctlGetInt(syscall.Stdin, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func (p *process) ID() int { return p.pid }

func (p *process) Members(sig os.Signal) map[int]bool {
	if !p.group || !p.groupLives() {
		return nil
	}
	return members(p.pid, sig)
}

// Signal implements Process: it sends a signal to p, if it has not ended, or to its
// group. The signal 0 is none.
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
