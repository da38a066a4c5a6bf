package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/daemon"
)

// A terminal is one end of a pseudo-terminal, where a test types and reads.
type terminal struct {
	*os.File
	printed daemon.Output
}

// openTerminal returns a terminal, and its other end for a program.
func openTerminal(t *testing.T) (*terminal, *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip(err)
	}
	slave, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	term := &terminal{File: master}
	go func() {
		buf := make([]byte, 1024)
		for {
			n, err := master.Read(buf)
			_, _ = term.printed.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return term, slave
}

// TestExecAtTerminal: a program that no shell starts can be talked to, and
// Ctrl-C ends both.
func TestExecAtTerminal(t *testing.T) {
	for _, c := range []struct {
		typed string
		code  int
	}{{"hello\n", 5}, {"\x03", 12}} {
		t.Run(fmt.Sprintf("%q", c.typed), func(t *testing.T) {
			term, slave := openTerminal(t)
			app := filepath.Join(t.TempDir(), "app")
			if err := os.WriteFile(app, []byte("#!/bin/sh\ntrap 'sleep 0.1; exit 6' INT\necho ready\nread line\ntest $line = hello && exit 5\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(binary.Path(t), "-exec", app)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				_ = cmd.Wait()
				close(ended)
			}()
			await.Eventually(t, func() error {
				if !strings.Contains(term.printed.String(), "ready") {
					return fmt.Errorf("printed %q", term.printed.String())
				}
				return nil
			})
			if _, err := term.WriteString(c.typed); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
			case <-time.After(await.Timeout):
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
				<-ended
				t.Fatalf("it runs on; printed %q", term.printed.String())
			}
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d; printed %q", code, c.code, term.printed.String())
			}
		})
	}
}

// TestLevelAtTerminal: somebody who reads along sees what is done; a file or pipe gets
// warnings only, and what is written counts.
func TestLevelAtTerminal(t *testing.T) {
	for _, c := range []struct {
		args []string
		want bool
	}{{nil, true}, {[]string{"-log-level", "warn"}, false}} {
		term, slave := openTerminal(t)
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "a.ctmpl"), "a")
		cmd := exec.Command(binary.Path(t), append(c.args, "-template", "a.ctmpl:a", "-once")...)
		cmd.Dir, cmd.Stderr = dir, slave
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintln(slave, "the end")
		printed := ""
		await.Eventually(t, func() error {
			if printed = term.printed.String(); !strings.Contains(printed, "the end") {
				return fmt.Errorf("printed %q", printed)
			}
			return nil
		})
		if got := strings.Contains(printed, "[INFO]"); got != c.want {
			t.Errorf("%q: printed %q", c.args, printed)
		}
	}
}
