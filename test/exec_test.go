//go:build unix

package test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/daemon"
	"restencil/test/servers"
)

// An execCase is a child with what is done to it. Its template follows the
// file "data", which holds 1 at first.
type execCase struct {
	name   string
	args   []string
	config string // of a file
	do     []step
	code   int    // the program's exit code
	out    string // what child and program print to standard output
}

// A step is "wait" for a text on standard output, a "signal" for the program,
// or new "data".
type step struct{ verb, object string }

// stays is a child that says when it is ready and runs until a signal ends it.
func stays(traps string) []string {
	return []string{"-exec", traps + "; echo ready; while :; do sleep 0.02; done"}
}

func execCases() []execCase {
	ready := step{"wait", "ready\n"}
	return []execCase{
		{name: "exit code", args: []string{"-exec", "echo out; exit 3"}, code: 3, out: "out\n"},
		{name: "exit code 0", args: []string{"-exec", "sleep 0.1"}},
		{name: "exit code with once", args: []string{"-once", "-exec", "sleep 0.1; cat out; exit 4"}, code: 4, out: "1"},
		{name: "ended by a signal", args: []string{"-exec", "kill -9 $$"}, code: 255},
		{name: "no such program", args: []string{"-exec", "nosuchprogram"}, code: 14},
		{name: "no such program of the shell", args: []string{"-exec", "nosuchprogram 2>/dev/null"}, code: 127},
		{name: "blank", args: []string{"-exec", " "}, code: 14},
		{name: "empty", args: []string{"-exec", "", "-once"}},
		{name: "not enabled", config: `exec { command = ["exit 5"] enabled = false }`, code: 5},
		{name: "without a shell", config: `exec { command = ["sh", "-c", "echo $0; exit 6", "me"] }`, code: 6, out: "me\n"},
		{name: "after the commands", config: `template { contents = "x" destination = "b" command = "sleep 0.2; echo command" }`,
			args: []string{"-exec", "echo child; exit 7"}, code: 7, out: "command\nchild\n"},
		{name: "in a dry run", args: []string{"-dry", "-exec", "exit 8"}, code: 8, out: "> out\n1"},
		{name: "the kill signal", args: stays(`trap "echo int; exit 9" INT`),
			do: []step{ready, {"signal", "INT"}}, code: 12, out: "ready\nint\n"},
		{name: "the kill timeout", args: append(stays(`trap "" INT`), "-exec-kill-timeout", "100ms"),
			do: []step{ready, {"signal", "INT"}}, code: 12, out: "ready\n"},
		{name: "no kill signal", config: `exec { kill_signal = "" kill_timeout = "100ms" }`, args: stays(`trap "echo int" INT`),
			do: []step{ready, {"signal", "INT"}}, code: 12, out: "ready\n"},
		{name: "SIGTERM", args: stays(`trap "exit 10" TERM`), do: []step{ready, {"signal", "TERM"}}, code: 10, out: "ready\n"},
		{name: "SIGTERM that is not caught", args: stays(`:`), do: []step{ready, {"signal", "TERM"}}, code: 255, out: "ready\n"},
		{name: "other signals", args: stays(`trap "echo usr1" USR1; trap "exit 11" QUIT`),
			do: []step{ready, {"signal", "USR1"}, {"wait", "usr1\n"}, {"signal", "QUIT"}}, code: 11, out: "ready\nusr1\n"},
		{name: "its own kill signal", args: append(stays(`trap "exit 12" USR2`), "-exec-kill-signal", "SIGUSR2"),
			do: []step{ready, {"signal", "USR2"}}, code: 12, out: "ready\n"},
		{name: "its own kill signal, ignored", args: append(stays(`trap "" USR2`), "-exec-kill-signal", "SIGUSR2", "-exec-kill-timeout", "100ms"),
			do: []step{ready, {"signal", "USR2"}}, code: 255, out: "ready\n"},
		{name: "a restart", args: stays(`cat out; trap "echo int; exit 3" INT`),
			do: []step{ready, {"data", "2"}, {"wait", "2ready\n"}, {"signal", "INT"}}, code: 12, out: "1ready\nint\n2ready\nint\n"},
		{name: "a reload by a signal", args: append(stays(`trap "cat out" HUP; trap "exit 3" TERM`), "-exec-reload-signal", "SIGHUP"),
			do: []step{ready, {"data", "2"}, {"wait", "2"}, {"signal", "TERM"}}, code: 3, out: "ready\n2"},
		{name: "a reload signal from outside", args: append(stays(`trap "echo usr1" USR1; trap "exit 3" TERM`), "-exec-reload-signal", "SIGUSR1"),
			do: []step{ready, {"signal", "USR1"}, {"wait", "usr1\n"}, {"signal", "TERM"}}, code: 3, out: "ready\nusr1\n"},
		{name: "no reload", config: `exec { reload_signal = "" } template { source = "in.ctmpl" destination = "b" command = "echo command" }`,
			args: stays(`trap "echo int" INT; trap "exit 3" TERM`),
			do:   []step{ready, {"data", "2"}, {"wait", "command\n"}, {"wait", "command\nready\ncommand\n"}, {"signal", "TERM"}}, code: 3, out: "command\nready\ncommand\n"},
		{name: "environment", config: `exec { env { custom = ["ADDED=1", "HOME=mine"] denylist = ["CONSUL_*", "DENIED"] } }`,
			args: []string{"-consul-addr", "here", "-exec", `env | grep -E "^(ADDED|HOME|DENIED|GIVEN|CONSUL_.*|VAULT_.*)=" | sort`},
			out:  "ADDED=1\nCONSUL_HTTP_ADDR=here\nCONSUL_HTTP_SSL=false\nCONSUL_HTTP_SSL_VERIFY=true\nCONSUL_HTTP_TOKEN=t\nGIVEN=1\nHOME=mine\nVAULT_ADDR=v\n"},
		{name: "pristine environment", args: []string{"-exec-env-pristine", "-exec-env-custom", "ADDED=1", "-exec", `/usr/bin/env | grep -v -E "^(PWD|OLDPWD|SHLVL|_|RESTENCIL_.*)=" | /usr/bin/sort`},
			out: "ADDED=1\nCONSUL_HTTP_SSL=false\nCONSUL_HTTP_SSL_VERIFY=true\nCONSUL_HTTP_TOKEN=t\nVAULT_ADDR=v\n"},
		{name: "environment of commands", config: `template { contents = "x" destination = "b" exec { command = "env | grep -c GIVEN=; true" env { allowlist = ["PATH"] } } }`,
			args: []string{"-exec", "exit 3"}, code: 3, out: "0\n"},
	}
}

// TestExec wants children to fare as they do with consul-template, which is
// asked as well where it is there.
func TestExec(t *testing.T) {
	t.Run("restencil", func(t *testing.T) {
		for _, c := range execCases() {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				if err := c.run(t, binary.Path(t)); err != nil {
					t.Error(err)
				}
			})
		}
	})
	t.Run("consul-template", func(t *testing.T) {
		path := servers.ConsulTemplate(t)
		for _, c := range execCases() {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				var err error
				for range 8 { // at times it loses the exit code of its child, or a signal
					if err = c.run(t, path); err == nil {
						return
					}
				}
				t.Error(err)
			})
		}
	})
}

// run returns what a program did otherwise than it should.
func (c execCase) run(t *testing.T, program string) error {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "data"), "1")
	writeFile(t, filepath.Join(dir, "in.ctmpl"), `{{ file "data" }}`)
	writeFile(t, filepath.Join(dir, "config.hcl"), c.config)
	cmd := exec.Command(program, append([]string{"-config", "config.hcl", "-template", "in.ctmpl:out"}, c.args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/bin:/usr/bin", "HOME=" + dir, "GIVEN=1", "DENIED=1", "CONSUL_HTTP_TOKEN=t", "VAULT_ADDR=v", "STATE_DIRECTORY=" + filepath.Join(dir, ".state"), binary.RaceOptions()}
	var out, log daemon.Output
	cmd.Stdout, cmd.Stderr = &out, &log
	cmd.WaitDelay = time.Second // consul-template may leave a part of the child
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		_ = cmd.Process.Kill()
		killAllIn(dir)
	}()
	for _, s := range c.do {
		if err := s.take(t, dir, cmd, &out); err != nil {
			return err
		}
	}
	select {
	case err := <-ended:
		if err != nil && !errors.As(err, new(*exec.ExitError)) {
			return fmt.Errorf("%w; a part of the child is left", err)
		}
	case <-time.After(await.Timeout):
		return fmt.Errorf("it runs on; it printed:\n%s", log.String())
	}
	if code := cmd.ProcessState.ExitCode(); code != c.code {
		return fmt.Errorf("exit code %d, want %d; it printed:\n%s", code, c.code, log.String())
	}
	if out.String() != c.out {
		return fmt.Errorf("printed %q, want %q", out.String(), c.out)
	}
	return nil
}

func (s step) take(t *testing.T, dir string, cmd *exec.Cmd, out *daemon.Output) error {
	t.Helper()
	signals := map[string]syscall.Signal{
		"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "QUIT": syscall.SIGQUIT, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
	}
	switch s.verb {
	case "wait":
		return await.Poll(await.Timeout, func() error {
			if !strings.Contains(out.String(), s.object) {
				return fmt.Errorf("printed %q, want %q in it", out.String(), s.object)
			}
			return nil
		})
	case "data":
		writeFile(t, filepath.Join(dir, "data"), s.object)
	case "signal":
		if err := cmd.Process.Signal(signals[s.object]); err != nil {
			t.Error(err)
		}
	default:
		t.Fatalf("unknown step %q", s.verb)
	}
	return nil
}

// killAllIn kills the processes whose working directory is dir: consul-template
// may leave its child behind. It knows them on Linux alone.
func killAllIn(dir string) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if cwd, err := os.Readlink(link); err != nil || cwd != dir {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
