package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"restencil/test/binary"
	"restencil/test/daemon"
)

func TestMain(m *testing.M) { os.Exit(binary.Main(m)) }

// start runs restencil until the test ends. That it does not end by itself
// before is asserted.
func start(t *testing.T, args ...string) *daemon.Daemon {
	t.Helper()
	d := daemon.Start(t, exec.Command(binary.Path(t), args...))
	t.Cleanup(func() {
		d.Alive()
		d.Stop()
	})
	return d
}

// render runs restencil with one template on the agent at addr, and returns it
// with the path of its file.
func render(t *testing.T, addr, template string, args ...string) (d *daemon.Daemon, file string) {
	t.Helper()
	dir := t.TempDir()
	source, file := filepath.Join(dir, "in.ctmpl"), filepath.Join(dir, "out")
	if err := os.WriteFile(source, []byte(template), 0o644); err != nil {
		t.Fatal(err)
	}
	return start(t, append(args, "-consul-addr", addr, "-template", source+":"+file)...), file
}

// crowded has restencil keep queries current in the ways that it has for those
// that are too many for a connection each. It is for render, and for templates
// with more than four queries.
var crowded = []string{"-consul-max-connections", "4"}
