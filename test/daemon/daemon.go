// Package daemon runs a restencil beside a test, and looks after it: what it
// prints is kept, that it runs on can be asserted, and when the test ends it is
// ended, a data race that it had is an error, and its log is shown if the test
// failed.
//
// How a daemon is to end is for the test to say: what it registers with Cleanup
// after Start comes before the daemon is killed.
package daemon

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/test/await"
)

// A Daemon is a process that runs beside a test. Its methods are for the
// goroutine of the test.
type Daemon struct {
	Cmd *exec.Cmd // started; its ProcessState is set once Ended
	Log Output    // standard error, and standard output unless that goes elsewhere

	t     testing.TB
	ended chan struct{} // closed when the process has ended
}

// Start starts cmd, whose standard error goes to the log, as does its standard
// output if cmd has nowhere else for it. It runs until the test ends, at the
// latest: then it is killed, unless it has ended before.
func Start(t testing.TB, cmd *exec.Cmd) *Daemon {
	t.Helper()
	d := &Daemon{Cmd: cmd, t: t, ended: make(chan struct{})}
	cmd.Stderr = &d.Log
	if cmd.Stdout == nil {
		cmd.Stdout = &d.Log
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(d.ended)
	}()
	t.Cleanup(d.finish)
	return d
}

// finish sees that the daemon is gone, and reports on it.
func (d *Daemon) finish() {
	d.Kill()
	if strings.Contains(d.Log.String(), "DATA RACE") {
		d.t.Error("the daemon has a data race")
	}
	if d.t.Failed() {
		d.t.Logf("the daemon printed:\n%s", Ends(d.Log.String()))
	}
}

// Signal sends the daemon a signal, and ends the test where that fails, as it
// does once the daemon has ended.
func (d *Daemon) Signal(sig os.Signal) {
	d.t.Helper()
	if err := d.Cmd.Process.Signal(sig); err != nil {
		d.t.Fatal(err)
	}
}

// Stop ends the daemon as a service manager does, with SIGTERM, and returns
// when it has ended. Of one that has ended before it asks nothing.
func (d *Daemon) Stop() {
	d.t.Helper()
	_ = d.Cmd.Process.Signal(syscall.SIGTERM)
	d.Wait()
}

// Wait returns when the daemon has ended. Where that takes longer than
// await.Timeout, the test has failed and the daemon is killed.
func (d *Daemon) Wait() {
	d.t.Helper()
	select {
	case <-d.ended:
	case <-time.After(await.Timeout):
		d.t.Error("the daemon does not end")
		d.Kill()
	}
}

// Kill ends the daemon at once, and returns when it has ended.
func (d *Daemon) Kill() {
	_ = d.Cmd.Process.Kill()
	<-d.ended
}

// Ended tells whether the daemon has ended.
func (d *Daemon) Ended() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// Alive fails the test, which goes on, where the daemon has ended by itself.
func (d *Daemon) Alive() {
	d.t.Helper()
	if d.Ended() {
		d.t.Errorf("the daemon ended by itself: %v", d.Cmd.ProcessState)
	}
}

// MustBeAlive is Alive, but for that the test ends there as well.
func (d *Daemon) MustBeAlive() {
	d.t.Helper()
	if d.Ended() {
		d.t.Fatalf("the daemon ended by itself: %v", d.Cmd.ProcessState)
	}
}

// Ends returns a log, without its middle where it is long.
func Ends(log string) string {
	lines := strings.Split(log, "\n")
	const most = 40
	if left := len(lines) - 2*most; left > 0 {
		lines = append(append(lines[:most:most], fmt.Sprintf("… %d lines …", left)), lines[len(lines)-most:]...)
	}
	return strings.Join(lines, "\n")
}
