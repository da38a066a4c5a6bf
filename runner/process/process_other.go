//go:build !unix

package process

import (
	"context"
	"os"
	"time"
)

// atTerminal returns true: a child stays in the process group.
func atTerminal() bool { return true }

// signalGroup is for the process alone: there are no groups.
func (p *process) signalGroup(sig os.Signal) error { return p.os.Signal(sig) }

// stop kills the process: there is no gentle way.
func (p *process) stop(time.Duration) { p.Kill() }

// reap does not wait: there are no zombies.
func reap(_ context.Context, p *os.Process) { _ = p.Release() }

// readReady returns 0: a pipe cannot be read without waiting.
func readReady(*os.File, []byte) int { return 0 }

// Members returns nil: there are no groups.
func (p *process) Members(os.Signal) map[int]bool { return nil }
