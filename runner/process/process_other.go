//go:build !unix

package process

import (
	"os"
	"os/exec"
	"sync"
	"time"
)

// children starts processes and notes their ends.
type children struct {
	waits sync.WaitGroup
}

// A process is one that was started.
type process struct {
	os     *os.Process
	shell  bool          // there is none
	ended  chan struct{} // closed at its end
	status Status        // valid once it has ended
	out    *output
}

// atTerminal returns true: a child stays in the process group.
func atTerminal() bool { return true }

// start starts cmd. Its end is noted only if somebody is to be told.
func (c *children) start(cmd *exec.Cmd, notify bool) (*process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{os: cmd.Process, ended: make(chan struct{})}
	if !notify {
		return p, cmd.Process.Release()
	}
	c.waits.Go(func() {
		if cmd.Wait() != nil {
			p.status.Code = codeUnknown
			if cmd.ProcessState != nil {
				p.status.Code = cmd.ProcessState.ExitCode()
			}
		}
		close(p.ended)
	})
	return p, nil
}

// close joins the goroutines, of which there is one for each process that is
// waited for.
func (c *children) close() { c.waits.Wait() }

func (p *process) Kill() {
	// It may have ended by itself meanwhile.
	_ = p.os.Kill()
}

// stop ends the process: there is no way to ask.
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
