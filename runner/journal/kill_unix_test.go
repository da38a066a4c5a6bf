//go:build unix

package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKill is TestCrash with a process that is really killed.
func TestKill(t *testing.T) {
	const dirs, at = "RESTENCIL_TEST_DIRS", "RESTENCIL_TEST_KILL_AT"
	if n, err := strconv.Atoi(os.Getenv(at)); err == nil {
		dir, state, _ := strings.Cut(os.Getenv(dirs), "\n")
		killed(t, swapping{dir: dir, state: state}, n)
		return
	}
	for n := 0; ; n++ {
		w := newSwapping(t, false)
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), dirs+"="+w.dir+"\n"+w.state, at+"="+strconv.Itoa(n))
		out, err := cmd.Output()
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != -1) {
			t.Fatalf("%v\n%s", err, out)
		}
		if err == nil {
			if n < 10 {
				t.Errorf("only %d steps", n)
			}
			return
		}
		done := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		if !t.Run(strconv.Itoa(n), func(t *testing.T) { w.verify(t, done) }) {
			t.Fatalf("done before the crash:\n%s", out)
		}
	}
}

// killed runs w and kills the process at the n-th step; it prints those before.
func killed(t *testing.T, w swapping, n int) {
	w.step = func(what string) {
		if n == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		n--
		fmt.Println(what)
	}
	check(t, w.run())
}

// TestClaimKilled: a process that was killed while it started a child has the directory
// until the child has closed its descriptors, which is after the process's end.
func TestClaimKilled(t *testing.T) {
	const env = "RESTENCIL_TEST_CLAIM"
	if dir := os.Getenv(env); dir != "" {
		killedAtFork(t, dir)
	}
	dir := t.TempDir()
	stdin, release, err := os.Pipe()
	check(t, err)
	ended, stdout, err := os.Pipe()
	check(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^TestClaimKilled$")
	cmd.Env = append(os.Environ(), env+"="+dir)
	cmd.Stdin, cmd.Stdout = stdin, stdout
	err = cmd.Run()
	check(t, errors.Join(stdin.Close(), stdout.Close()))
	defer ended.Close()
	letGo := sync.OnceFunc(func() {
		release.Close()
		out, _ := io.ReadAll(ended)
		t.Logf("the child has ended: %s", out)
	})
	defer letGo()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the process was not killed: %v", err)
	}

	pid := fmt.Sprintf("(pid %d)", cmd.Process.Pid)
	if _, err := open(t, dir, Options{}).Recover(); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), pid) {
		t.Fatalf("the child does not have the directory: %v, want %s", err, pid)
	}
	if err := open(t, dir, Options{}).Claim(waiting{t.Context(), letGo}); err != nil {
		t.Errorf("after the process's end: %v", err)
	}
}

// killedAtFork claims dir and kills this process when a child has got its descriptors.
// The child keeps them until its standard input ends: as one that has not come to run its
// program, but for longer.
func killedAtFork(t *testing.T, dir string) {
	check(t, New(dir, Options{}).Claim(t.Context()))
	for fd := range 64 {
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0) // it stays open in the child
	}
	child := exec.Command("cat")
	child.Stdin, child.Stdout = os.Stdin, os.Stdout
	check(t, child.Start())
	check(t, syscall.Kill(os.Getpid(), syscall.SIGKILL))
	select {}
}

// A waiting is a context that calls begun when somebody waits for its end.
type waiting struct {
	context.Context
	begun func()
}

func (w waiting) Done() <-chan struct{} {
	w.begun()
	return w.Context.Done()
}
