//go:build !unix

package process

import "os"

// Spawn starts a child.
func (e *Executor) Spawn(args, env []string) (Process, error) {
	cmd, err := newCommand(args, env)
	if err != nil {
		return nil, err
	}
	cmd.Stdin = os.Stdin
	p, err := e.start(cmd, printing{own: true}, true)
	if err != nil {
		return nil, err
	}
	return childProcess{p}, nil
}

// A childProcess is a process as supervisors see it.
type childProcess struct{ *process }

func (p childProcess) ID() int     { return p.os.Pid }
func (p childProcess) Shell() bool { return false }
func (p childProcess) Kill()       { p.kill() }

// members returns nil: there are no groups.
func (p childProcess) Members(os.Signal) map[int]bool { return nil }

// signal fails for all signals but os.Kill.
func (p childProcess) Signal(sig os.Signal, _ bool) error {
	if sig == NoSignal {
		return nil
	}
	return p.os.Signal(sig)
}
