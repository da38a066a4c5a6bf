package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/binary"
)

// TestUnreadOutput gives the program full pipes that nobody reads: it renders
// all the same, runs commands that print more than a pipe holds, and ends when
// it is asked to.
func TestUnreadOutput(t *testing.T) {
	const noise = "echo out; head -c 300000 /dev/zero >&2; echo run >>runs"
	for _, c := range []struct {
		name   string
		args   []string
		stdout bool // is unread too
		sig    os.Signal
		code   int
	}{
		{"SIGTERM", []string{"-log-level", "trace", "-template", "in.ctmpl:out:" + noise}, false, syscall.SIGTERM, 12},
		{"SIGINT", []string{"-log-level", "trace", "-template", "in.ctmpl:out:" + noise}, false, syscall.SIGINT, 12},
		{"both streams", []string{"-log-format", "json", "-log-level", "debug", "-template", "in.ctmpl:out:" + noise}, true, syscall.SIGTERM, 12},
		{"a child", []string{"-template", "in.ctmpl:out:" + noise, "-exec", "sleep 600", "-exec-reload-signal", "SIGCONT"},
			true, syscall.SIGTERM, 255},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "data.yaml"), "keys: {a: 1}")
			writeFile(t, filepath.Join(dir, "in.ctmpl"), `{{ key "a" }}`)
			cmd := exec.Command(binary.Path(t), append([]string{"-local", "data.yaml"}, c.args...)...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+filepath.Join(dir, ".state"))
			cmd.Stderr = unread(t)
			if c.stdout {
				cmd.Stdout = unread(t)
			}
			ended := begin(t, cmd)
			for i := 1; i <= 3; i++ {
				writeFile(t, filepath.Join(dir, "data.yaml"), fmt.Sprintf("keys: {a: %d}", i))
				await.Eventually(t, await.Holds(filepath.Join(dir, "out"), fmt.Sprint(i)))
				await.Eventually(t, func() error {
					if runs, _ := os.ReadFile(filepath.Join(dir, "runs")); len(runs) < i*len("run\n") {
						return fmt.Errorf("%d runs of the command, want %d", len(runs)/len("run\n"), i)
					}
					return nil
				})
			}
			endsOn(t, cmd, ended, c.sig, c.code)
		})
	}
}

// TestUnreadDry: what a dry run shows is not dropped where nobody reads it yet,
// and does not keep it from ending.
func TestUnreadDry(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "in.ctmpl"), `{{ range loop 200000 }}{{ . }} {{ end }}`)
	args := []string{"-template", "in.ctmpl:out", "-dry"}

	cmd := exec.Command(binary.Path(t), append(args, "-once")...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if want := len("> out\n") + 10*2 + 90*3 + 900*4 + 9000*5 + 90000*6 + 100000*7; err != nil || len(out) < want {
		t.Errorf("%d bytes, %v, want %d", len(out), err, want)
	}

	cmd = exec.Command(binary.Path(t), append(args, "-pid-file", "pid")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+filepath.Join(dir, ".state"))
	cmd.Stdout = unread(t)
	ended := begin(t, cmd)
	await.Eventually(t, await.Exists(filepath.Join(dir, "pid"))) // it listens to signals
	endsOn(t, cmd, ended, syscall.SIGTERM, 12)
}

// TestUnreadBeforeLog: nor is it kept from ending by what it has to say of its
// command line.
func TestUnreadBeforeLog(t *testing.T) {
	cmd := exec.Command(binary.Path(t), "-nosuchflag")
	cmd.Stderr = unread(t)
	ended := begin(t, cmd)
	select {
	case <-ended:
	case <-time.After(await.Timeout):
		t.Fatal("it does not end")
	}
}

// begin starts cmd; what it returns is closed when that has ended.
func begin(t *testing.T, cmd *exec.Cmd) chan struct{} {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return ended
}

// endsOn sends cmd a signal and wants it to end with a code.
func endsOn(t *testing.T, cmd *exec.Cmd, ended chan struct{}, sig os.Signal, code int) {
	t.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(await.Timeout):
		t.Fatalf("it does not end on %v", sig)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
}

// unread returns the end for writing of a pipe that is full, and that nobody
// reads.
func unread(t *testing.T) *os.File {
	t.Helper()
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(fds[1], true); err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 4096); ; {
		if _, err := syscall.Write(fds[1], chunk); err == syscall.EAGAIN {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.SetNonblock(fds[1], false); err != nil {
		t.Fatal(err)
	}
	r, w := os.NewFile(uintptr(fds[0]), "unread"), os.NewFile(uintptr(fds[1]), "full")
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return w
}
