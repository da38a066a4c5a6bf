//go:build !unix

package runner

import "os"

// spawn starts a child.
func (e *executor) spawn(args, env []string) (proc, error) {
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

func (p childProcess) id() int               { return p.os.Pid }
func (p childProcess) shell() bool           { return false }
func (p childProcess) gone() <-chan struct{} { return p.ended }
func (p childProcess) how() status           { return p.status }
func (p childProcess) settle()               { p.out.settle() }

// members returns nil: there are no groups.
func (p childProcess) members(os.Signal) map[int]bool { return nil }

// signal fails for all signals but os.Kill.
func (p childProcess) signal(sig os.Signal, _ bool) error {
	if sig == noSignal {
		return nil
	}
	return p.os.Signal(sig)
}
