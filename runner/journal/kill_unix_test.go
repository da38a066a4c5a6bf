//go:build unix

package journal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
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
