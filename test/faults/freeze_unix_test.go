//go:build unix

package faults

import (
	"syscall"
	"testing"
	"time"

	"restencil/test/daemon"
)

// freeze stops the daemon where it is, for that long.
func freeze(t *testing.T, d *daemon.Daemon, long time.Duration) {
	t.Helper()
	d.Signal(syscall.SIGSTOP)
	time.Sleep(long) // the fault
	d.Signal(syscall.SIGCONT)
}
