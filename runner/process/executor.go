package process

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"restencil/runner/process/overlay"
	"restencil/watch/command"
)

const (
	// commandGrace is how long a command has to end after SIGTERM, when this
	// process stops, before it is killed.
	commandGrace = 2 * time.Second

	// killLimit bounds the wait for the end of what was killed: a setuid program
	// may not be killed, and one that waits for a hung disk cannot be.
	killLimit = time.Second
)

// A System runs programs. An [Executor] is one.
type System interface {
	// Run runs a command to its end, see Executor.Run.
	Run(context.Context, Command) (output string, err error)

	// Spawn starts a child. args and env are as in Command.
	Spawn(args, env []string) (Process, error)

	// CanOverlay returns nil if commands can have an Overlay, else why not.
	CanOverlay() error
}

// An Executor runs commands. Close joins the goroutines that it starts. Its methods
// but Close may be called concurrently.
type Executor struct {
	// Line, if not nil, takes each line that a command of Run prints, and of a
	// child's standard error, in place of the writers. It does not take those of
	// commands without a Timeout, which may outlive this process, and a pipe to it.
	// It is called by several goroutines, one at a time.
	Line func(args []string, line string)

	stdout, stderr io.Writer
	inherit        bool
	grace          time.Duration

	running sync.WaitGroup // goroutines that copy output, or wait for commands that are left alone
	writing sync.Mutex     // held while writing to stdout or stderr
	closing context.Context
	stop    context.CancelFunc // ends closing
}

// NewExecutor returns an Executor of commands that print to stdout and stderr. Their
// standard input is empty. With inherit they have the standard input of this
// process, and as standard streams the writers themselves where these are files, or
// have a method File that returns one, as with consul-template. A writer that blocks
// delays Close. Nil: nobody reads what they print.
func NewExecutor(stdout, stderr io.Writer, inherit bool) *Executor {
	stdout, stderr = cmp.Or(stdout, io.Discard), cmp.Or(stderr, io.Discard)
	e := &Executor{stdout: stdout, stderr: stderr, inherit: inherit, grace: commandGrace}
	e.closing, e.stop = context.WithCancel(context.Background())
	return e
}

// Run runs c in a process group of its own until its process has ended. Processes
// that it leaves running in the background may go on printing until Close. Run
// returns the end of what was printed to pipes, stdout and stderr in one, and an
// error in the words of consul-template (COMPAT 4.6.3) unless the exit status was 0.
//
// After c.Timeout Run kills the group; if ctx ends, it sends SIGTERM, and kills the
// group after a grace time. If c.Timeout is zero, Run returns once the command was
// started, and nobody ends it.
func (e *Executor) Run(ctx context.Context, c Command) (output string, err error) {
	if c.None() || c.Args[0] == "" {
		return "", nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	cmd, err := newCommand(c)
	if err != nil {
		return "", err
	}
	command.OwnGroup(cmd)
	line := strings.Join(cmd.Args, " ")
	if len(c.Overlay) > 0 {
		if cmd, err = overlay.Command(cmd, c.Overlay); err != nil {
			return "", fmt.Errorf("child: %w", err)
		}
	}
	p, err := e.start(cmd, c, true, false)
	if err != nil || c.Timeout == 0 {
		return "", err
	}
	held := time.AfterFunc(holdLimit, func() { e.release(p.out, true, false) })
	err = e.wait(ctx, p, line, c.Timeout)
	held.Stop()
	p.out.drain()
	printed := e.release(p.out, err == nil || ctx.Err() != nil, true)
	if failure, ok := err.(*CommandError); ok {
		failure.Printed = printed
	}
	return p.out.tail.String(), err
}

func newCommand(c Command) (*exec.Cmd, error) {
	argv, err := command.Line(c.Args)
	if err != nil {
		return nil, fmt.Errorf("failed parsing command: %w", err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = c.Env
	return cmd, nil
}

// Spawn implements System. The child has the standard streams of this process.
func (e *Executor) Spawn(args, env []string) (Process, error) {
	c := Command{Args: args, Env: env}
	cmd, err := newCommand(c)
	if err != nil {
		return nil, err
	}
	shell := len(cmd.Args) > len(args)
	group := shell || !atTerminal()
	cmd.Stdin = os.Stdin
	if group {
		command.OwnGroup(cmd)
	}
	p, err := e.start(cmd, c, group, true)
	if err != nil {
		return nil, err
	}
	p.shell = shell
	return p, nil
}

// start starts cmd, which is of c.
func (e *Executor) start(cmd *exec.Cmd, c Command, group, child bool) (*process, error) {
	out, err := e.attach(cmd, c, child)
	if err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	p := new(process)
	if child || c.Timeout != 0 {
		p, err = start(cmd, group, child)
	} else if err = cmd.Start(); err == nil {
		e.running.Go(func() { reap(e.closing, cmd.Process) })
	}
	e.follow(out)
	if err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	p.out = out
	return p, nil
}

// CanOverlay implements System.
func (e *Executor) CanOverlay() error { return overlay.Supported() }

// Close stops the copying of output, and joins the goroutines of e. No command may be in
// Run; those that were left running go on.
func (e *Executor) Close() {
	e.stop()
	e.running.Wait()
}

func (e *Executor) wait(ctx context.Context, p *process, line string, timeout time.Duration) error {
	select {
	case <-p.done:
	case <-time.After(timeout):
		p.Kill()
		p.wait(killLimit)
		return &CommandError{
			text: fmt.Sprintf("child: command did not exit within time limit (%q):\n    %s", timeout, line),
			line: line, cause: fmt.Sprintf("did not end within %v", timeout.Round(time.Millisecond)), Reason: "timeout",
		}
	case <-ctx.Done():
		p.stop(e.grace)
		p.wait(killLimit)
		return fmt.Errorf("child: command was stopped: %w", context.Cause(ctx))
	}
	if p.status != (Status{}) {
		return &CommandError{
			text: fmt.Sprintf("child: command exited with a non-zero exit status:\n\n    %s\n\n"+
				"Please ensure the command exits with a zero (0) exit status to indicate success", line),
			line: line, cause: p.status.String(), ExitCode: p.status.Code, Reason: p.status.Signal,
		}
	}
	return nil
}
