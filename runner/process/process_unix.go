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

// orphanGrace is how long the other processes of a command's group have to end after
// the command itself.
const orphanGrace = 100 * time.Millisecond

// A reaper starts processes and waits for them. One goroutine listens to SIGCHLD: a
// goroutine that waits for one process could not be joined before that process ends.
type reaper struct {
	mu      sync.Mutex
	running map[int]*process // by process id; nil before the first start
	stop    chan struct{}
	work    sync.WaitGroup // the goroutine for SIGCHLD, and those of startOnThread
}

// A process is a program that was started.
type process struct {
	pid    int
	group  bool          // it leads a process group of its own
	shell  bool          // it is the shell of a child
	done   chan struct{} // closed at its end
	status Status        // valid once it has ended
	out    *output
	reaper *reaper
}

// start starts cmd, and waits for it in any case, so that no zombie stays. A child
// ends with this process.
func (r *reaper) start(cmd *exec.Cmd, _ Command, child bool) (*process, error) {
	// Held until the process is in the map, so that collect sees its end.
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil {
		r.running = make(map[int]*process)
		r.stop = make(chan struct{})
		ends := make(chan os.Signal, 1)
		signal.Notify(ends, syscall.SIGCHLD)
		r.work.Go(func() {
			defer signal.Stop(ends)
			for {
				select {
				case <-ends:
					r.collect()
				case <-r.stop:
					return
				}
			}
		})
	}
	p := &process{
		group:  cmd.SysProcAttr != nil && cmd.SysProcAttr.Setpgid,
		done:   make(chan struct{}),
		reaper: r,
	}
	start := cmd.Start
	if child {
		dieWithParent(cmd)
		start = func() error { return r.startOnThread(cmd, p.done) }
	}
	if err := start(); err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	r.running[p.pid] = p
	// The reaper waits for it, not package os.
	return p, cmd.Process.Release()
}

// startOnThread starts cmd from a thread that lives until the process has ended: the
// kernel sends Pdeathsig when the thread that started a process ends.
func (r *reaper) startOnThread(cmd *exec.Cmd, done <-chan struct{}) error {
	started := make(chan error, 1)
	r.work.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // keeps it for other goroutines
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		select {
		case <-done:
		case <-r.stop:
		}
	})
	return <-started
}

// collect collects the status of the processes that have ended.
func (r *reaper) collect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for pid, p := range r.running {
		var wait syscall.WaitStatus
		got, err := syscall.Wait4(pid, &wait, syscall.WNOHANG, nil)
		switch {
		case got == 0:
			continue
		case err != nil:
			p.status = Status{Code: codeUnknown}
		case wait.Signaled():
			p.status = Status{Code: codeSignaled, Signal: wait.Signal().String()}
		default:
			p.status = Status{Code: wait.ExitStatus()}
		}
		close(p.done)
		delete(r.running, pid)
	}
}

// close joins the goroutines. Processes that still run go on.
func (r *reaper) close() {
	if r.stop != nil {
		close(r.stop)
	}
	r.work.Wait()
}

func (p *process) Kill() {
	_ = p.Signal(syscall.SIGKILL, true) // it may have ended meanwhile
}

// stop sends SIGTERM to the process group, and kills the rest of it after the grace,
// or orphanGrace after the end of the process itself: the rest may be zombies that
// nobody waits for.
func (p *process) stop(grace time.Duration) {
	_ = syscall.Kill(-p.pid, syscall.SIGTERM)
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

func (p *process) groupLives() bool { return !errors.Is(syscall.Kill(-p.pid, 0), syscall.ESRCH) }

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

func (p *process) ID() int { return p.pid }

func (p *process) Members(sig os.Signal) map[int]bool {
	if !p.group || !p.groupLives() {
		return nil
	}
	return members(p.pid, sig)
}

// Signal implements Process. It does not send the signal 0.
func (p *process) Signal(sig os.Signal, group bool) error {
	s, ok := sig.(syscall.Signal)
	if !ok || s == NoSignal {
		return nil
	}
	if group && p.group {
		return syscall.Kill(-p.pid, s)
	}
	// Once collect has seen its end, another process may have its id.
	p.reaper.mu.Lock()
	defer p.reaper.mu.Unlock()
	if p.reaper.running[p.pid] != p {
		return os.ErrProcessDone
	}
	return syscall.Kill(p.pid, s)
}
