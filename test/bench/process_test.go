package bench

import (
	"os/exec"
	"syscall"
	"testing"
)

// run runs a program until the benchmark ends.
func run(b *testing.B, path string, args ...string) {
	b.Helper()
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		// consul-template does not listen to SIGTERM.
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	})
}
