package test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"restencil/test/binary"
)

func TestMain(m *testing.M) { os.Exit(binary.Main(m)) }

// patience bounds every wait for a condition. It is long because machines are
// slow at times; no test waits that long when things are right.
const patience = 30 * time.Second

// A daemon is a restencil that runs beside the test.
type daemon struct {
	t      *testing.T
	cmd    *exec.Cmd
	stderr buffer
	ended  chan struct{} // closed when the process has ended
}

// A buffer collects what a process prints.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start runs restencil until the test ends.
func start(t *testing.T, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, cmd: exec.Command(binary.Path(t), args...), ended: make(chan struct{})}
	d.cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+t.TempDir())
	d.cmd.Stdout = &d.stderr
	d.cmd.Stderr = &d.stderr
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

// stop ends the daemon as a service manager does, and reports what it printed
// where the test failed.
func (d *daemon) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.t.Error("the daemon did not end on SIGTERM")
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
	if d.t.Failed() {
		d.t.Logf("the daemon printed:\n%s", d.stderr.String())
	}
	if strings.Contains(d.stderr.String(), "DATA RACE") {
		d.t.Error("the daemon has a data race")
	}
}

// alive fails the test where the daemon has ended by itself.
func (d *daemon) alive() {
	d.t.Helper()
	select {
	case <-d.ended:
		d.t.Fatalf("the daemon ended by itself: %v\n%s", d.cmd.ProcessState, d.stderr.String())
	default:
	}
}

// eventually waits until check returns no error.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("after %v: %v", patience, err)
}

// holds returns a check that the file at path has just this content.
func holds(path, want string) func() error {
	return func() error {
		got, err := os.ReadFile(path)
		if err == nil && string(got) != want {
			err = errors.New(path + " holds " + quote(string(got)) + ", want " + quote(want))
		}
		return err
	}
}

func quote(s string) string {
	const most = 200
	if len(s) > most {
		s = s[:most] + "…"
	}
	return "«" + s + "»"
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
