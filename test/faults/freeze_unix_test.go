//go:build unix

package faults

import (
	"syscall"
	"testing"
	"time"
)

// freeze stops the daemon where it is, for that long.
func freeze(t *testing.T, d *daemon, long time.Duration) {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(long) // the fault
	if err := d.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}
