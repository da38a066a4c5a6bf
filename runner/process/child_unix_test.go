//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/runner/event"
	"restencil/watch/schedule"
)

// raise runs a child of real processes until the test ends.
func raise(t *testing.T, c Child, stdout *printout) (s *Supervisor, stop func()) {
	t.Helper()
	return raiseWith(t, c, stdout, func(event.Event) {})
}

// raiseWith is raise with somebody who is told of events.
func raiseWith(t *testing.T, c Child, stdout *printout, events func(event.Event)) (s *Supervisor, stop func()) {
	t.Helper()
	e := NewExecutor(stdout, stdout, false)
	if c.KillTimeout == 0 {
		c.KillTimeout = enough
	}
	s = NewSupervisor(c, nil, e.Spawn, schedule.Backoff{Base: time.Millisecond, Max: time.Millisecond}, events)
	ctx, cancel := context.WithCancel(t.Context())
	go s.Run(ctx, false)
	stop = func() {
		cancel()
		<-s.Done()
	}
	t.Cleanup(func() {
		stop()
		e.Close()
	})
	return s, stop
}

// ends waits until s has.
func ends(t *testing.T, s *Supervisor) error {
	t.Helper()
	select {
	case <-s.Done():
		return s.Err()
	case <-time.After(enough):
		t.Fatal("the child runs on")
		return nil
	}
}

func TestRealChildExits(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"exit 0"}, "<nil>"},
		{[]string{"echo bye; exit 3"}, "child process exited with code 3"},
		{[]string{"sh", "-c", "exit 200"}, "child process exited with code 200"},
		{[]string{"kill -9 $$"}, "child process exited with code 255 (killed)"},
		{[]string{"nosuch program"}, "child process exited with code 127"},
		{[]string{"nosuchprogram"}, `child: exec: "nosuchprogram": executable file not found in $PATH`},
		{[]string{" "}, "failed parsing command: executable file not found in $PATH"},
	}
	for _, tt := range tests {
		t.Run(tt.args[0], func(t *testing.T) {
			var out printout
			s, _ := raise(t, Child{Args: tt.args}, &out)
			if err := ends(t, s); fmt.Sprint(err) != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if strings.Contains(tt.args[0], "bye") && out.String() != "bye\n" {
				t.Errorf("printed %q", out.String())
			}
		})
	}
}

// Signals for a child that the shell runs reach its whole group, and no part
// of that stays.
func TestRealChildEndsWithItsGroup(t *testing.T) {
	tests := []struct {
		name, script string
		killTimeout  time.Duration
		want         string
	}{
		{"gently", `trap "echo bye; exit 5" TERM; sleep 1000 & echo $! >PID; echo begun; wait`, enough, "begun\nbye\n"},
		{"by force", `trap "" TERM; sleep 1000 & echo $! >PID; echo begun; while :; do sleep 1000; done`, 100 * time.Millisecond, "begun\n"},
		{"with a part that takes its time", `(trap "sleep 0.1; echo done; exit" TERM; echo begun; sleep 1000 & wait) & echo $! >PID; wait`, enough, "begun\ndone\n"},
		{"with a part that is deaf", `(trap "" TERM; echo begun; exec sleep 1000) & echo $! >PID; wait`, enough, "begun\n"},
		{"with a part that stopped", `sleep 1000 & kill -STOP $!; echo $! >PID; echo begun; wait`, 100 * time.Millisecond, "begun\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pid")
			var out printout
			c := Child{Args: []string{strings.ReplaceAll(tt.script, "PID", file)}, KillSignal: syscall.SIGTERM, KillTimeout: tt.killTimeout}
			_, stop := raise(t, c, &out)
			pid := pidIn(t, file)
			until(t, "the child", func() bool { return strings.HasPrefix(out.String(), "begun\n") })
			stop()
			if alive(pid) {
				t.Error("a part of the child lives")
			}
			if out.String() != tt.want {
				t.Errorf("printed %q, want %q", out.String(), tt.want)
			}
		})
	}
}

// program writes a script that can be run without a shell's help.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// A child that no shell runs gets signals for itself alone; what it leaves
// behind ends when it has.
func TestRealChildWithoutShell(t *testing.T) {
	dir := t.TempDir()
	var out printout
	s, _ := raise(t, Child{KillSignal: syscall.SIGUSR1, Args: []string{program(t, `
		(trap "echo part" USR2; trap "echo end; exit" USR1; echo ready; while :; do sleep 0.01; done) & echo $! >`+dir+`/pid
		trap "echo app" USR2
		trap "exit 4" USR1
		echo ready
		while :; do wait; done`)}}, &out)
	pid := pidIn(t, dir+"/pid")
	until(t, "the child", func() bool { return strings.Count(out.String(), "ready\n") == 2 })
	s.Signal(syscall.SIGUSR2)
	until(t, "the signal to arrive", func() bool { return strings.Contains(out.String(), "app\n") })
	s.Signal(syscall.SIGUSR1)
	if err := ends(t, s); fmt.Sprint(err) != "child process exited with code 4" {
		t.Errorf("error %v", err)
	}
	if alive(pid) {
		t.Error("a part of the child lives")
	}
	if got := out.String(); strings.Contains(got, "part") || !strings.Contains(got, "end\n") {
		t.Errorf("printed %q; was the signal for the whole group?", got)
	}
}

func TestRealChildRestarts(t *testing.T) {
	var out printout
	s, _ := raise(t, Child{Args: []string{`echo "$RESTENCIL_REASON:$RESTENCIL_FILES"; trap "exit 0" INT; while :; do sleep 0.01; done`}}, &out)
	until(t, "the start", func() bool { return out.String() == "start:\n" })
	s.Reload([]string{"a", "b"})
	until(t, "the restart", func() bool { return out.String() == "start:\nchange:a\nb\n" })
}

func TestRealChildIsStartedAgain(t *testing.T) {
	dir := t.TempDir()
	var out printout
	s, _ := raise(t, Child{Restart: RestartOnFailure, Args: []string{`echo x >>` + dir + `/n; [ $(wc -l <` + dir + `/n) -ge 3 ] || kill -9 $$`}}, &out)
	if err := ends(t, s); err != nil {
		t.Error(err)
	}
	if n, _ := os.ReadFile(dir + "/n"); string(n) != "x\nx\nx\n" {
		t.Errorf("%d starts, want 3", len(n)/2)
	}
}

func TestSignalForTheDead(t *testing.T) {
	e := testExecutor(t, nil, nil, false)
	p, err := e.Spawn([]string{"true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := p.Signal(syscall.SIGTERM, false); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("error %v; the signal may have gone to another process", err)
	}
}

// What was killed with all of its group is gone when the Supervisor says so.
func TestRealChildIsGroupLeader(t *testing.T) {
	var out printout
	told := make(chan event.Event, 8)
	raiseWith(t, Child{Args: []string{"sleep", "1000"}}, &out, func(e event.Event) { told <- e })
	started := (<-told).(event.ChildStarted)
	group, err := syscall.Getpgid(started.Process)
	if err != nil || group != started.Process {
		t.Errorf("process %d is of group %d (%v)", started.Process, group, err)
	}
}
