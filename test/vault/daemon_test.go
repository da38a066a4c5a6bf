package vault

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/daemon"
)

// A siteDaemon is a restencil that must run until the test ends it.
type siteDaemon struct {
	*daemon.Daemon
	site   *site
	stdout daemon.Output
}

// start runs restencil on the site's configuration until the test ends, or
// stop or Kill is called.
func (s *site) start(args ...string) *siteDaemon {
	s.t.Helper()
	d := &siteDaemon{site: s}
	cmd := s.command(args...)
	cmd.Stdout = &d.stdout
	cmd.WaitDelay = time.Second // for what a killed one leaves behind
	d.Daemon = daemon.Start(s.t, cmd)
	s.t.Cleanup(func() {
		if !d.Ended() {
			d.stop()
		}
	})
	return d
}

// command returns a restencil on the site's configuration, in an environment
// that has nothing but what the site says.
func (s *site) command(args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(binary.Path(s.t), append(args, "-config", s.config())...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.path("home"), "TMPDIR=" + s.path("tmp"), binary.RaceOptions()}, s.env...)
	return cmd
}

// reload has the daemon read the site's configuration again, and returns when
// it begins to.
func (d *siteDaemon) reload() {
	d.site.t.Helper()
	d.site.config()
	said := func() int { // as it does in a log of text and of JSON
		return strings.Count(d.Log.String(), "Reloading configuration...") + strings.Count(d.Log.String(), "reloading the configuration")
	}
	before := said()
	d.Signal(syscall.SIGHUP)
	await.Eventually(d.site.t, func() error {
		if said() == before {
			return fmt.Errorf("it does not reload")
		}
		return nil
	})
}

// stop ends the daemon as a person does, since SIGTERM would go to a program
// that it runs.
func (d *siteDaemon) stop() {
	d.site.t.Helper()
	d.MustBeAlive()
	d.Signal(syscall.SIGINT)
	d.Wait()
	if code := d.Cmd.ProcessState.ExitCode(); code != 12 {
		d.site.t.Errorf("on SIGINT it ended with %d", code)
	}
}

// says returns a check that the log has all these words in one line.
func (d *siteDaemon) says(words ...string) func() error {
	return func() error {
		if d.lines(words...) == 0 {
			return fmt.Errorf("no line of the log has all of %q", words)
		}
		return nil
	}
}

// mustNotWarn fails the test where the log has a warning.
func (d *siteDaemon) mustNotWarn() {
	d.site.t.Helper()
	for line := range strings.Lines(d.Log.String()) {
		if strings.Contains(line, "WARN") && !strings.Contains(line, waiting) {
			d.site.t.Errorf("it warns: %s", line)
		}
	}
}

// waiting is in the lines that say now and then what is still waited for.
const waiting = "waited "

// lines counts the lines of the log that have all these words, but for those
// that say now and then what is still waited for.
func (d *siteDaemon) lines(words ...string) (n int) {
lines:
	for line := range strings.Lines(d.Log.String()) {
		if strings.Contains(line, waiting) {
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
