package test

import (
	"os"
	"os/exec"
	"testing"

	"restencil/test/binary"
	"restencil/test/daemon"
)

func TestMain(m *testing.M) { os.Exit(binary.Main(m)) }

// start runs restencil until the test ends, or Stop is called.
func start(t *testing.T, args ...string) *daemon.Daemon {
	t.Helper()
	cmd := exec.Command(binary.Path(t), args...)
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+t.TempDir())
	d := daemon.Start(t, cmd)
	t.Cleanup(d.Stop)
	return d
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
