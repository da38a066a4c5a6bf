package vault

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"restencil/test/binary"
)

// A daemon is a restencil that must run until the test ends it.
type daemon struct {
	t      *testing.T
	site   *site
	cmd    *exec.Cmd
	stdout output
	log    output
	ended  chan struct{} // closed when the process has ended
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

// start runs restencil on the site's configuration until the test ends, or
// stop or kill is called.
func (s *site) start(args ...string) *daemon {
	s.t.Helper()
	d := &daemon{t: s.t, site: s, cmd: s.command(args...), ended: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, &d.log
	d.cmd.WaitDelay = time.Second // for what a killed one leaves behind
	if err := d.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait()
		close(d.ended)
	}()
	s.t.Cleanup(d.cleanUp)
	return d
}

// command returns a restencil on the site's configuration, in an environment
// that has nothing but what the site says.
func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(binary.Path(s.t), append(args, "-config", s.config())...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.path("home"), "TMPDIR=" + s.path("tmp")}, s.env...)
	return cmd
}

// signal sends the daemon a signal.
func (d *daemon) signal(sig syscall.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(sig); err != nil {
		d.t.Fatal(err)
	}
}

// reload has the daemon read the site's configuration again, and returns when
// it begins to.
func (d *daemon) reload() {
	d.t.Helper()
	d.site.config()
	said := func() int { // as it does in a log of text and of JSON
		return strings.Count(d.log.String(), "Reloading configuration...") + strings.Count(d.log.String(), "reloading the configuration")
	}
	before := said()
	d.signal(syscall.SIGHUP)
	eventually(d.t, func() error {
		if said() == before {
			return fmt.Errorf("it does not reload")
		}
		return nil
	})
}

// stop ends the daemon as a person does, since SIGTERM would go to a program
// that it runs.
func (d *daemon) stop() {
	d.t.Helper()
	d.alive()
	d.signal(syscall.SIGINT)
	d.end()
	if code := d.cmd.ProcessState.ExitCode(); code != 12 {
		d.t.Errorf("on SIGINT it ended with %d", code)
	}
}

// kill ends the daemon at once.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	<-d.ended
}

// end waits until the daemon has ended.
func (d *daemon) end() {
	d.t.Helper()
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.t.Error("the daemon does not end")
		d.kill()
	}
}

// cleanUp ends a daemon that nothing else has ended.
func (d *daemon) cleanUp() {
	select {
	case <-d.ended:
	default:
		d.stop()
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

// alive fails the test where the daemon has ended by itself.
func (d *daemon) alive() {
	d.t.Helper()
	select {
	case <-d.ended:
		d.t.Fatalf("the daemon ended by itself: %v", d.cmd.ProcessState)
	default:
	}
}

// says returns a check that the log has all these words in one line.
func (d *daemon) says(words ...string) func() error {
	return func() error {
		if d.lines(words...) == 0 {
			return fmt.Errorf("no line of the log has all of %q", words)
		}
		return nil
	}
}

// lines counts the lines of the log that have all these words, but for those
// that say now and then what is still waited for.
func (d *daemon) lines(words ...string) (n int) {
lines:
	for line := range strings.Lines(d.log.String()) {
		if strings.Contains(line, "waiting for") {
			continue
		}
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue lines
			}
		}
		n++
	}
	return n
}
