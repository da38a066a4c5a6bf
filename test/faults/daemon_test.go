package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"restencil/test/binary"
)

func TestMain(m *testing.M) { os.Exit(binary.Main(m)) }

// A daemon is a restencil that must run until the test ends.
type daemon struct {
	t     *testing.T
	cmd   *exec.Cmd
	log   output
	ended chan struct{} // closed when the process has ended
}

// An output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs restencil until the test ends.
func start(t *testing.T, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, cmd: exec.Command(binary.Path(t), args...), ended: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait()
		close(d.ended)
	}()
	t.Cleanup(d.stop)
	return d
}

// stop ends the daemon as a service manager does.
func (d *daemon) stop() {
	d.alive()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.t.Error("the daemon did not end on SIGTERM")
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
	if strings.Contains(d.log.String(), "DATA RACE") {
		d.t.Error("the daemon has a data race")
	}
	if d.t.Failed() {
		d.t.Logf("the daemon printed:\n%s", lastLines(d.log.String()))
	}
}

// lastLines returns the end of a log, without its middle where it is long.
func lastLines(log string) string {
	lines := strings.Split(log, "\n")
	const most = 40
	if left := len(lines) - 2*most; left > 0 {
		lines = append(append(lines[:most:most], fmt.Sprintf("… %d lines …", left)), lines[len(lines)-most:]...)
	}
	return strings.Join(lines, "\n")
}

// alive reports where the daemon has ended by itself.
func (d *daemon) alive() {
	d.t.Helper()
	select {
	case <-d.ended:
		d.t.Errorf("the daemon ended by itself: %v", d.cmd.ProcessState)
	default:
	}
}

// render runs restencil with one template on the agent at addr, and returns it
// with the path of its file.
func render(t *testing.T, addr, template string, args ...string) (d *daemon, file string) {
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
