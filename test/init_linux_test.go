package test

import (
	"bytes"
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
)

// TestFirstProcess runs the program as process 1, as containers do: it buries
// all that its commands leave behind, and takes no plugin's end for that of an
// orphan.
func TestFirstProcess(t *testing.T) {
	unshare := []string{"unshare", "--pid", "--fork", "--mount-proc"}
	if os.Getuid() != 0 {
		unshare = append(unshare, "--user", "--map-root-user")
	}
	if out, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no process 1 can be made here: %v\n%s", err, out)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "data.yaml"), "keys: {a: 0}")
	writeFile(t, filepath.Join(dir, "in.ctmpl"), `{{ plugin "echo" (key "a") }}`)
	writeFile(t, filepath.Join(dir, "daemons"), `#!/bin/sh
i=0
while [ $i -lt 100 ]; do
	(setsid sleep 0.0$((i % 9)) &)
	i=$((i + 1))
done
echo x >>runs
`)
	if err := os.Chmod(filepath.Join(dir, "daemons"), 0o755); err != nil {
		t.Fatal(err)
	}
	args := append(unshare[1:], binary.Path(t), "-local", "data.yaml", "-template", "in.ctmpl:out:./daemons",
		"-exec", `trap "exit 3" TERM; while :; do sleep 0.02; done`, "-exec-reload-signal", "SIGCONT")
	cmd := exec.Command(unshare[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+filepath.Join(dir, ".state"))
	var log daemon.Output
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	defer func() {
		for _, pid := range childrenOf(t, cmd.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // and with it all that are below
		}
		<-ended
	}()
	for i := range 4 {
		writeFile(t, filepath.Join(dir, "data.yaml"), fmt.Sprintf("keys: {a: %d}", i))
		await.Eventually(t, await.Holds(filepath.Join(dir, "out"), strconv.Itoa(i)))
		await.Eventually(t, func() error {
			if runs, _ := os.ReadFile(filepath.Join(dir, "runs")); len(runs) < 2*(i+1) {
				return fmt.Errorf("%d of %d runs of the command; it printed:\n%s", len(runs)/2, i+1, log.String())
			}
			return nil
		})
	}
	first := childrenOf(t, cmd.Process.Pid)[0]
	await.Eventually(t, func() error {
		if left := childrenOf(t, first); len(left) != 1 {
			return fmt.Errorf("process 1 has %d children, want the one it was told to run", len(left))
		}
		return nil
	})
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(await.Timeout):
		t.Fatal("it runs on")
	}
	if code := cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d, want the child's, 3", code)
	}
	if strings.Contains(log.String(), "[ERR] (runner)") || strings.Contains(log.String(), "DATA RACE") {
		t.Errorf("it printed:\n%s", log.String())
	}
}

// childrenOf returns the ids of a process's children, dead ones too.
func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if string(fields[1]) == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			all = append(all, pid)
		}
	}
	return all
}
