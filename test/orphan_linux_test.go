package test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"restencil/test/await"
	"restencil/test/binary"
)

// TestChildDiesWithProgram kills the program: its child does not outlive it. And
// it does not end before, whatever becomes of the threads of the program.
func TestChildDiesWithProgram(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "data.yaml"), "keys: {a: 0}")
	writeFile(t, filepath.Join(dir, "in.ctmpl"), `{{ plugin "echo" (key "a") }}`)
	writeFile(t, filepath.Join(dir, "c.hcl"), `exec {
  command       = ["sh", "-c", "trap : CONT INT TERM; echo $$ >>pid; while :; do sleep 0.02; done"]
  reload_signal = "SIGCONT"
}`)
	cmd := exec.Command(binary.Path(t), "-config", "c.hcl", "-local", "data.yaml", "-template", "in.ctmpl:out:echo x >>runs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+filepath.Join(dir, ".state"))
	ended := begin(t, cmd)
	for i := range 5 {
		writeFile(t, filepath.Join(dir, "data.yaml"), fmt.Sprintf("keys: {a: %d}", i))
		await.Eventually(t, await.Holds(filepath.Join(dir, "out"), strconv.Itoa(i)))
	}
	var child int
	await.Eventually(t, func() (err error) {
		text, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err == nil {
			child, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err // of two lines, had it been started anew
	})
	t.Cleanup(func() { _ = syscall.Kill(child, syscall.SIGKILL) })
	if !lives(t, child) {
		t.Fatal("the child has ended before the program")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	await.Eventually(t, func() error {
		if lives(t, child) {
			return errors.New("the child lives")
		}
		return nil
	})
}

// lives tells whether a process has not ended.
func lives(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(stat, []byte(") "))
	return !bytes.HasPrefix(after, []byte("Z")) // nobody may bury it here
}
