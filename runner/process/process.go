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

func (p *process) Shell() bool           { return p.shell }
func (p *process) Done() <-chan struct{} { return p.done }
func (p *process) Status() Status        { return p.status }
func (p *process) Drain()                { p.out.drain() }

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
