package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"restencil/test/await"
	"restencil/test/daemon"
)

// A hundred reloads with one changed template run its command once, and leave
// no open file behind.
func TestHundredReloads(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	writeFile(t, path("data.yaml"), "keys: {a: 1}")
	writeFile(t, path("a.ctmpl"), `{{ key "a" }}`)
	writeFile(t, path("b.ctmpl"), `{{ key "a" }}`)
	d := start(t, "-local", path("data.yaml"),
		"-template", path("a.ctmpl")+":"+path("a.out")+":echo a >> "+path("ran"),
		"-template", path("b.ctmpl")+":"+path("b.out")+":echo b >> "+path("ran"))
	// On a busy machine, the templates may not be executed in one pass.
	ran := func(want ...string) func() error {
		return func() error {
			text, _ := os.ReadFile(path("ran"))
			if got := slices.Sorted(strings.SplitSeq(strings.TrimSpace(string(text)), "\n")); !slices.Equal(got, want) {
				return fmt.Errorf("the commands that ran are %q, want %q", got, want)
			}
			return nil
		}
	}
	await.Eventually(t, ran("a", "b"))
	before := openFiles(t, d)
	writeFile(t, path("b.ctmpl"), `new {{ key "a" }}`)
	for i := range 100 {
		d.Signal(syscall.SIGHUP)
		await.Eventually(t, func() error {
			if n := strings.Count(d.Log.String(), "Reloading configuration..."); n <= i {
				return fmt.Errorf("%d reloads", n)
			}
			return nil
		})
	}
	await.Eventually(t, await.Holds(path("b.out"), "new 1"))
	await.Eventually(t, ran("a", "b", "b"))
	await.Eventually(t, func() error {
		if after := openFiles(t, d); after > before {
			return fmt.Errorf("%d open files, %d before", after, before)
		}
		return nil
	})
}

func openFiles(t *testing.T, d *daemon.Daemon) int {
	t.Helper()
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.Cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
