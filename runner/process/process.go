// Package process runs programs: commands that end, and a child that is supervised
// for as long as restencil runs.
//
// An [Executor] starts both, normally in a process group of their own, and copies
// their output. A [Supervisor] keeps a [Child] running, reloads it, passes signals on
// to it, and ends it with its whole group (COMPAT 4.6, 4.7).
package process

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// A Process is a running program, with its process group.
type Process interface {
	ID() int
	Shell() bool           // reports whether signals are for the group (COMPAT 4.7)
	Done() <-chan struct{} // closed when the process itself has ended
	Status() Status        // how it ended; valid after that

	// Members returns the ids of the running processes of the group, and whether
	// they ignore a signal. Nil where there are no groups.
	Members(sig os.Signal) map[int]bool

	Signal(sig os.Signal, group bool) error
	Kill()  // ends the group at once
	Drain() // waits until the output is copied, for a limited time
}

// A process is a program that was started.
type process struct {
	os     *os.Process
	group  bool          // it leads a process group of its own
	shell  bool          // it is the shell of a child
	done   chan struct{} // closed at its end
	status Status        // valid once it has ended
	out    *output
}

// start starts cmd, with a process group of its own or not. A goroutine waits for its
// end, so that no zombie stays: who waits for done joins it.
func start(cmd *exec.Cmd, group, child bool) (*process, error) {
	p := &process{group: group, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		if child {
			// The kernel kills it when the thread ends that started it.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread() // keeps the thread for other goroutines
			dieWithParent(cmd)
		}
		err := cmd.Start()
		p.os = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // its error is that of the state
			p.status = statusOf(cmd.ProcessState)
			close(p.done)
		}
	}()
	return p, <-started
}

// statusOf returns the status of a process that has ended; the state is nil where it is
// not known.
func statusOf(state *os.ProcessState) Status {
	if state == nil {
		return Status{Code: codeUnknown}
	}
	if wait := state.Sys().(syscall.WaitStatus); wait.Signaled() {
		return Status{Code: codeSignaled, Signal: wait.Signal().String()}
	}
	return Status{Code: state.ExitCode()}
}

func (p *process) ID() int               { return p.os.Pid }
func (p *process) Shell() bool           { return p.shell }
func (p *process) Done() <-chan struct{} { return p.done }
func (p *process) Status() Status        { return p.status }
func (p *process) Drain()                { p.out.drain() }

// Signal implements Process. It does not send the signal 0.
func (p *process) Signal(sig os.Signal, group bool) error {
	switch {
	case sig == NoSignal:
		return nil
	case group && p.group:
		return p.signalGroup(sig)
	}
	return p.os.Signal(sig)
}

func (p *process) Kill() {
	_ = p.Signal(os.Kill, true) // it may have ended meanwhile
}

// wait waits for the end of p, for at most limit, and reports whether it has ended.
func (p *process) wait(limit time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-time.After(limit):
		return false
	}
}

// NoSignal is the signal 0, which is not sent.
const NoSignal = syscall.Signal(0)

// A Status is how a process ended.
type Status struct {
	Code   int    // the exit code; 255 if a signal ended it, 127 if it is not known
	Signal string // that signal, such as "killed", or ""
}

const (
	codeSignaled = 255 // as consul-template's (COMPAT 1.2)
	codeUnknown  = 127
)

// String returns s in words.
func (s Status) String() string {
	switch {
	case s.Signal != "":
		return "ended by " + s.Signal
	case s.Code == codeUnknown:
		return "exit status 127, as of a shell that finds no such program: install it, or write its whole path"
	}
	return fmt.Sprintf("exit status %d", s.Code)
}
