//go:build !unix

package process

import (
	"os"
	"os/exec"
	"sync"
	"time"
)

// A reaper starts processes and waits for them.
type reaper struct {
	waits sync.WaitGroup
}

// A process is a program that was started.
type process struct {
	os     *os.Process
	shell  bool          // always false
	done   chan struct{} // closed at its end
	status Status        // valid once it has ended
	out    *output
}

// atTerminal returns true: a child stays in the process group.
func atTerminal() bool { return true }

// start starts cmd, and waits for it unless it is left alone.
func (r *reaper) start(cmd *exec.Cmd, c Command, child bool) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{os: cmd.Process, done: make(chan struct{})}
	if c.Timeout == 0 && !child {
		return p, cmd.Process.Release()
	}
	r.waits.Go(func() {
		if cmd.Wait() != nil {
			p.status.Code = codeUnknown
			if cmd.ProcessState != nil {
				p.status.Code = cmd.ProcessState.ExitCode()
			}
		}
		close(p.done)
	})
	return p, nil
}

// close joins the goroutines, one for each process that start waits for.
func (r *reaper) close() { r.waits.Wait() }

func (p *process) Kill() {
	_ = p.os.Kill() // it may have ended meanwhile
}

// stop kills the process: there is no gentle way.
func (p *process) stop(time.Duration) { p.Kill() }

// readReady returns 0: a pipe cannot be read without waiting.
func readReady(*os.File, []byte) int { return 0 }

func (p *process) ID() int { return p.os.Pid }

// Members returns nil: there are no groups.
func (p *process) Members(os.Signal) map[int]bool { return nil }

// Signal fails for all signals but os.Kill.
func (p *process) Signal(sig os.Signal, _ bool) error {
	if sig == NoSignal {
		return nil
	}
	return p.os.Signal(sig)
}
