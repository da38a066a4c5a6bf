package process

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"restencil/runner/process/overlay"
)

// A command with an overlay sees the new files in their places, next to what
// else is there; others see the old ones, and nothing stays.
func TestOverlay(t *testing.T) {
	e := testExecutor(t, nil, nil, false)
	if err := e.CanOverlay(); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) string {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		return at(name)
	}
	write("etc/main.conf", "main\n")
	write("etc/a b.conf", "old a\n")
	write("etc/conf.d/other", "other\n")
	write("real/linked", "old linked\n")
	if err := os.Symlink("real", at("link")); err != nil {
		t.Fatal(err)
	}
	c := shell("cat 'a b.conf' main.conf conf.d/* ../link/linked ../real/linked; stat -c %a 'a b.conf'; echo mine >own; exit 3")
	c.Args[0] = "cd " + at("etc") + "; " + c.Args[0]
	c.Overlay = []overlay.File{
		{Path: at("etc/a b.conf"), Content: write("staged/1", "new a\n")},
		{Path: at("etc/conf.d/new"), Content: write("staged/2", "new file\n")},
		{Path: at("link/linked"), Content: write("staged/3", "new linked\n")},
	}
	output, err := e.Run(t.Context(), c)
	if want := "new a\nmain\nnew file\nother\nnew linked\nnew linked\n640\n"; output != want {
		t.Errorf("it saw %q, want %q", output, want)
	}
	if err == nil || !strings.Contains(err.Error(), "sh -c cd "+at("etc")) || strings.Contains(err.Error(), "restencil-overlay") {
		t.Errorf("error %v, want the command's own", err)
	}
	for name, want := range map[string]string{"etc/a b.conf": "old a\n", "real/linked": "old linked\n", "etc/conf.d/new": "", "etc/own": ""} {
		if got, _ := os.ReadFile(at(name)); string(got) != want {
			t.Errorf("afterwards %s holds %q, want %q", name, got, want)
		}
	}
}

// What cannot be mounted is said, and the command does not run.
func TestOverlayFails(t *testing.T) {
	e := testExecutor(t, nil, nil, false)
	if err := e.CanOverlay(); err != nil {
		t.Skip(err)
	}
	c := shell("echo ran")
	c.Overlay = []overlay.File{{Path: filepath.Join(t.TempDir(), "gone", "file"), Content: "/etc/passwd"}}
	output, err := e.Run(t.Context(), c)
	if err == nil || !strings.Contains(output, "cannot show the command the staged files") || strings.Contains(output, "ran") {
		t.Errorf("%q, %v", output, err)
	}
}

// Who is not root has it by a user namespace.
func TestOverlayWithoutRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("TestOverlay shows it")
	}
	if b, _ := os.ReadFile("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"); string(b) == "1\n" {
		t.Skip("AppArmor does not allow it")
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	run := func(program string, args ...string) (string, error) {
		cmd := exec.Command(program, args...)
		cmd.Dir = "/"
		cmd.Env = append(os.Environ(), "TMPDIR="+dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		output, err := cmd.CombinedOutput()
		return string(output), err
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(dir, "self")
	if err := errors.Join(os.Chmod(dir, 0o777), exec.Command("cp", program, self).Run(), os.Chmod(self, 0o755)); err != nil {
		t.Fatal(err)
	}
	if output, err := run("unshare", "-U", "true"); err != nil {
		t.Skip(output, err)
	}
	output, err := run(self, "-test.run=^TestOverlay$", "-test.v")
	if err != nil || strings.Contains(output, "SKIP") {
		t.Errorf("%v:\n%s", err, output)
	}
}
