// Package process runs programs: commands that end, and a child that is
// supervised for as long as restencil runs.
//
// An [Executor] starts both, each as a rule in a process group of its own, and
// passes on what they print. A [Supervisor] keeps a [Child] running, reloads it,
// passes signals on to it, and ends it with its whole group (COMPAT 4.6, 4.7).
package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"restencil/runner/process/overlay"
	"restencil/watch/command"
)

const (
	// commandGrace is how long a command has to end after SIGTERM, when the
	// program is to end, before it is killed.
	commandGrace = 2 * time.Second

	// killLimit bounds the wait for the end of what was killed. Only what may
	// not be killed (a setuid program) or cannot be (a hung disk) needs that.
	killLimit = time.Second
)

// A Command is a program to run.
type Command struct {
	// Args is the program and its arguments. A single element of several
	// words goes to the shell, "sh -c" (COMPAT 4.6.1). Empty: no command.
	Args []string

	// Timeout is how long it may take; then its process group is killed and
	// the command counts as failed. Zero: it is started and left alone, and
	// its exit status is not looked at (COMPAT 2.5.5).
	Timeout time.Duration

	// Env is its whole environment, as os.Environ has it. Nil for the
	// process's own.
	Env []string

	// Hide has what it prints passed on line by line, as Hide returns it. Nil:
	// as it comes. Checks and probes have it set.
	Hide func(string) string

	// Overlay is what it sees in the place of what others see, where the system
	// allows that (see Executor.CanOverlay).
	Overlay []overlay.File
}

// None tells whether c is no command.
func (c Command) None() bool { return len(c.Args) == 0 }

// A System runs programs. An [Executor] is one.
type System interface {
	// Run runs a command to its end, see Executor.Run.
	Run(context.Context, Command) (output string, err error)

	// Spawn starts a child, whose args and env are as in Command.
	Spawn(args, env []string) (Process, error)

	// CanOverlay says why commands cannot have an Overlay, nil: they can.
	CanOverlay() error
}

// An Executor runs commands. It starts goroutines as they are needed, and
// close joins them. Its methods but close may be called concurrently.
type Executor struct {
	// Line takes each line that a command of Run prints, and of a child's standard
	// error, in place of the writers; but not of commands without a Timeout, which
	// may outlive the process, and a pipe to it. It is called by several goroutines,
	// one at a time. Nil: the writers do.
	Line func(args []string, line string)

	stdout, stderr io.Writer
	inherit        bool
	grace          time.Duration

	children children
	copies   sync.WaitGroup // goroutines that copy output
	writing  sync.Mutex     // held while writing to stdout or stderr

	mu    sync.Mutex
	pipes map[*os.File]struct{} // the ends that are being read
}

// NewExecutor returns an Executor of commands that print to stdout and
// stderr. Their standard input is empty. With inherit they have the process's
// own, and directly a writer that is a file, or that has a method File which
// returns the one it writes to, as with consul-template. A writer that blocks
// delays Close.
func NewExecutor(stdout, stderr io.Writer, inherit bool) *Executor {
	return &Executor{
		stdout:  stdout,
		stderr:  stderr,
		inherit: inherit,
		grace:   commandGrace,
		pipes:   make(map[*os.File]struct{}),
	}
}

// Run runs c, in a process group of its own, until its process has ended:
// what that leaves running in the background is not waited for, and may go on
// printing until close. It returns the end of what was printed, stdout and
// stderr in one, as far as a pipe was in between, and an error in the words of
// consul-template (COMPAT 4.6.3) unless the exit status was zero.
//
// After c.Timeout the group is killed; if ctx ends, it gets SIGTERM, and is
// killed where that does not help soon. If c.Timeout is zero, run returns once
// the command was started, and nobody ends it.
func (e *Executor) Run(ctx context.Context, c Command) (output string, err error) {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return "", nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	cmd, err := newCommand(c.Args, c.Env)
	if err != nil {
		return "", err
	}
	command.OwnGroup(cmd)
	line := cmd.Args
	if len(c.Overlay) > 0 {
		if cmd, err = overlay.Command(cmd, c.Overlay); err != nil {
			return "", fmt.Errorf("child: %w", err)
		}
	}
	how := printing{own: c.Timeout == 0, hide: c.Hide}
	if !how.own {
		how.args = c.Args
	}
	child, err := e.start(cmd, how, c.Timeout > 0)
	if err != nil || c.Timeout == 0 {
		return "", err
	}
	live := time.AfterFunc(holdLimit, func() { e.release(child.out, true) })
	err = e.wait(ctx, child, line, c.Timeout)
	live.Stop()
	child.out.settle()
	printed := e.release(child.out, err == nil || ctx.Err() != nil)
	if failure, ok := err.(*CommandError); ok {
		failure.printed = printed
	}
	return child.out.tail.String(), err
}

func newCommand(args, env []string) (*exec.Cmd, error) {
	argv, err := command.Line(args)
	if err != nil {
		return nil, fmt.Errorf("failed parsing command: %w", err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = env
	return cmd, nil
}

// Spawn implements System. The child has the process's own standard streams.
func (e *Executor) Spawn(args, env []string) (Process, error) {
	cmd, err := newCommand(args, env)
	if err != nil {
		return nil, err
	}
	shell := len(cmd.Args) > len(args)
	cmd.Stdin = os.Stdin
	if shell || !atTerminal() {
		command.OwnGroup(cmd)
	}
	dieWithParent(cmd)
	p, err := e.start(cmd, printing{own: true, args: args}, true)
	if err != nil {
		return nil, err
	}
	p.shell = shell
	return p, nil
}

// start starts cmd. With notify its end closes the channel of Gone.
func (e *Executor) start(cmd *exec.Cmd, how printing, notify bool) (*process, error) {
	out, err := e.attach(cmd, how)
	if err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	p, err := e.children.start(cmd, notify)
	e.follow(out)
	if err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	p.out = out
	return p, nil
}

// CanOverlay implements System.
func (e *Executor) CanOverlay() error { return overlay.Supported() }

// Close ends the copying of output and joins all goroutines. No command may
// be in run; those that were left running go on.
func (e *Executor) Close() {
	e.mu.Lock()
	for r := range e.pipes {
		r.Close()
	}
	e.mu.Unlock()
	e.copies.Wait()
	e.children.close()
}

func (e *Executor) wait(ctx context.Context, p *process, argv []string, timeout time.Duration) error {
	line := strings.Join(argv, " ")
	select {
	case <-p.ended:
	case <-time.After(timeout):
		p.Kill()
		p.awaitEnd(killLimit)
		return &CommandError{
			text: fmt.Sprintf("child: command did not exit within time limit (%q):\n    %s", timeout, line),
			line: line, brief: fmt.Sprintf("did not end within %v", timeout.Round(time.Millisecond)), reason: "timeout",
		}
	case <-ctx.Done():
		p.stop(e.grace)
		p.awaitEnd(killLimit)
		return fmt.Errorf("child: command was stopped: %w", context.Cause(ctx))
	}
	if p.status != (Status{}) {
		return &CommandError{
			text: fmt.Sprintf("child: command exited with a non-zero exit status:\n\n    %s\n\n"+
				"Please ensure the command exits with a zero (0) exit status to indicate success", line),
			line: line, brief: p.status.String(), code: p.status.Code, reason: p.status.Signal,
		}
	}
	return nil
}

// A CommandError is why a command failed, in consul-template's words (COMPAT
// 4.6.3), and in our own.
type CommandError struct {
	text        string
	line, brief string // the command, and what was wrong with it
	code        int
	reason      string
	printed     bool
}

func (e *CommandError) Error() string { return e.text }

// ExitCode returns the exit code of the command, 0 where it has none.
func (e *CommandError) ExitCode() int { return e.code }

// Reason is why it has no exit code of its own: "timeout", or the signal that ended
// it, such as "killed"; else "".
func (e *CommandError) Reason() string { return e.reason }

// Printed tells that what the command printed was passed on while it ran.
func (e *CommandError) Printed() bool { return e.printed }

// Brief returns err in one line, as hide returns it where that is not nil.
func Brief(err error, hide func(string) string) error {
	var brief CommandError
	if e, ok := err.(*CommandError); ok && e.brief != "" {
		brief = CommandError{text: fmt.Sprintf("%q: %s", e.line, e.brief), code: e.code, reason: e.reason, printed: e.printed}
	} else {
		brief.text = err.Error()
	}
	if hide != nil {
		brief.text = hide(brief.text)
	}
	if brief.text == err.Error() {
		return err
	}
	return &brief
}

// A Status is how a process ended.
type Status struct {
	Code   int    // the exit code; of what a signal ended, codeSignalled
	Signal string // the signal that ended it, "" for none
}

// String returns s as the shell's users know it.
func (s Status) String() string {
	if s.Signal != "" {
		return "ended by " + s.Signal
	}
	return fmt.Sprintf("exit status %d", s.Code)
}

const (
	codeSignalled = 255 // as consul-template's (COMPAT 1.2)
	codeUnknown   = 127
)

func (p *process) Shell() bool           { return p.shell }
func (p *process) Gone() <-chan struct{} { return p.ended }
func (p *process) Status() Status        { return p.status }
func (p *process) Settle()               { p.out.settle() }

// awaitEnd waits for the end of p, which it reports, but not for ever.
func (p *process) awaitEnd(limit time.Duration) (ended bool) {
	select {
	case <-p.ended:
		return true
	case <-time.After(limit):
		return false
	}
}

// A Reason is why a command is run, or a child started or ended.
type Reason string

const (
	ReasonStart  Reason = "start"  // it is the first time
	ReasonChange Reason = "change" // files changed
	ReasonRetry  Reason = "retry"  // it failed or, for a child, ended by itself
	ReasonStop   Reason = "stop"   // the process ends, or another child takes over
	ReasonSignal Reason = "signal" // one was passed on
)

// variableSize bounds a variable with paths, in bytes. Linux takes 128 KiB in one
// variable, and does not run a command that has more.
const variableSize = 32 << 10

// Environ returns env, or the process's own environment where that is nil,
// with what a command may want to know besides:
//
//	RESTENCIL_REASON      why it is run: start, change or retry
//	RESTENCIL_FILES       the files that changed, a line each
//	RESTENCIL_FILES_MORE  how many that leaves out because there are so many
func Environ(env []string, why Reason, files []string) []string {
	if env == nil {
		env = os.Environ()
	}
	env = append(slices.Clip(env), "RESTENCIL_REASON="+string(why))
	return append(env, Variables("RESTENCIL_FILES", files)...)
}

// Variables returns two variables: NAME with paths, a line each, and NAME_MORE with
// how many that leaves out because there are so many.
func Variables(name string, paths []string) []string {
	shown, size := 0, 0
	for shown < len(paths) && size+len(paths[shown]) < variableSize {
		size += len(paths[shown]) + 1
		shown++
	}
	return []string{
		name + "=" + strings.Join(paths[:shown], "\n"),
		name + "_MORE=" + strconv.Itoa(len(paths)-shown),
	}
}

// A FileSet is a list of paths without doubles, in the order in which they
// were added. The zero value is empty.
type FileSet struct {
	list  []string
	known map[string]bool
}

func (f *FileSet) Add(paths ...string) {
	for _, p := range paths {
		if p == "" || f.known[p] {
			continue
		}
		if f.known == nil {
			f.known = make(map[string]bool)
		}
		f.known[p] = true
		f.list = append(f.list, p)
	}
}

// List returns the paths. The caller must not change it.
func (f *FileSet) List() []string { return f.list }
