package faults

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/test/binary"
	"restencil/test/servers"
)

// crashTimeout bounds every wait for a condition.
const crashTimeout = time.Minute

// A crashRig has a bundle of three files in two directories, which a program
// reloads: that writes to loads what it finds, and fails where that is bad. What
// the files are to hold is a number, the newest generation.
type crashRig struct {
	t       *testing.T
	dir     string
	program string
	files   []string
	gen     int // in place and loaded when nothing is under way
	last    int // the largest number that was ever asked for
	starts  int
}

func newCrashRig(t *testing.T) *crashRig {
	r := &crashRig{t: t, dir: t.TempDir(), program: crashProgram(t)}
	conf := fmt.Sprintf(`
local { path = %q }
state_dir = %q
bundle "app" {
	check    = "true"
	reload   = "sh %s"
	rollback = true
}
`, r.at("data.yaml"), r.at("state"), r.at("reload"))
	for _, name := range []string{"out/a.conf", "out/sub/b.conf", "out/c.conf"} {
		r.files = append(r.files, r.at(name))
		conf += fmt.Sprintf(`
template {
	contents    = "{{ key \"gen\" }}\n"
	destination = %q
	bundle      = "app"
}
`, r.at(name))
	}
	r.write("conf.hcl", conf)
	r.write("reload", fmt.Sprintf("now=$(echo $(cat %s))\necho $now >>%s\ntest \"${now%%%% *}\" != \"$(cat %s)\"\n",
		strings.Join(r.files, " "), r.at("loads"), r.at("bad")))
	r.write("loads", "")
	r.write("bad", "")
	return r
}

// programKey is the environment variable that has the program's path, where the
// tests run in a namespace of their own.
const programKey = "RESTENCIL_TEST_PROGRAM"

func crashProgram(t *testing.T) string {
	t.Helper()
	if path := os.Getenv(programKey); path != "" {
		return path
	}
	return binary.Path(t)
}

func (r *crashRig) at(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

func (r *crashRig) write(name, content string) {
	r.t.Helper()
	temp := r.at(name) + ".new"
	if err := os.WriteFile(temp, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(temp, r.at(name)); err != nil {
		r.t.Fatal(err)
	}
}

// ask has the store say what the files are to hold; 0: nothing.
func (r *crashRig) ask(gen int) {
	r.t.Helper()
	data := "keys: {other: 1}\n"
	if gen > 0 {
		data = fmt.Sprintf("keys: {gen: %d}\n", gen)
	}
	r.write("data.yaml", data)
}

// nextBad asks for something new that does not load, and returns it.
func (r *crashRig) nextBad() int {
	r.t.Helper()
	r.write("bad", strconv.Itoa(r.last+1))
	return r.next()
}

// next asks for something new, and returns it.
func (r *crashRig) next() int {
	r.t.Helper()
	r.last++
	r.ask(r.last)
	return r.last
}

// A crashDaemon is a restencil that is about to be killed.
type crashDaemon struct {
	rig   *crashRig
	cmd   *exec.Cmd
	log   string        // a file
	ended chan struct{} // closed when the process has ended
}

// command returns a daemon that is not started yet.
func (r *crashRig) command() *crashDaemon {
	r.t.Helper()
	r.starts++
	d := &crashDaemon{rig: r, log: r.at(fmt.Sprintf("log.%d", r.starts)), ended: make(chan struct{})}
	_ = os.Remove(r.at("pid"))
	log, err := os.Create(d.log)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { log.Close() })
	d.cmd = exec.Command(r.program, "-config", r.at("conf.hcl"), "-pid-file", r.at("pid"), "-log-level", "info")
	d.cmd.Dir = r.dir // which is that of all that it runs: see commandsEnd
	d.cmd.Stdout, d.cmd.Stderr = log, log
	return d
}

func (r *crashRig) start() *crashDaemon {
	r.t.Helper()
	d := r.command()
	r.launch(d)
	return d
}

// launch starts a daemon that is killed when the test ends, at the latest.
func (r *crashRig) launch(d *crashDaemon) {
	r.t.Helper()
	if err := d.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait()
		close(d.ended)
	}()
	r.t.Cleanup(d.kill)
}

func (d *crashDaemon) kill() {
	_ = d.cmd.Process.Kill()
	<-d.ended
}

// stop ends the daemon as a service manager does.
func (d *crashDaemon) stop() {
	d.rig.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.fatal("it has ended by itself: %v", err)
	}
	select {
	case <-d.ended:
	case <-time.After(crashTimeout):
		d.fatal("it does not end")
	}
	if log := d.printed(); strings.Contains(log, "DATA RACE") || strings.Contains(log, "damaged") {
		d.fatal("it is not well")
	}
}

func (d *crashDaemon) printed() string {
	log, err := os.ReadFile(d.log)
	if err != nil {
		d.rig.t.Fatal(err)
	}
	return string(log)
}

func (d *crashDaemon) fatal(format string, args ...any) {
	d.rig.t.Helper()
	d.rig.t.Fatalf("%s\nthe daemon printed:\n%s", fmt.Sprintf(format, args...), d.printed())
}

// until waits for a condition, and returns false where the daemon ended first.
func (d *crashDaemon) until(what string, holds func() bool) bool {
	d.rig.t.Helper()
	for deadline := time.Now().Add(crashTimeout); ; time.Sleep(time.Millisecond) {
		if holds() {
			return true
		}
		select {
		case <-d.ended:
			return holds()
		default:
		}
		if time.Now().After(deadline) {
			d.fatal("after %v: not %s", crashTimeout, what)
		}
	}
}

// ready waits until all is rendered and loaded that there is.
func (d *crashDaemon) ready() {
	d.rig.t.Helper()
	if !d.until("ready", func() bool { return strings.Contains(d.printed(), "all templates are rendered") }) {
		d.fatal("it ended")
	}
}

// recovered waits until the daemon has put right what an earlier one left.
func (d *crashDaemon) recovered() {
	d.rig.t.Helper()
	up := func() bool { _, err := os.Stat(d.rig.at("pid")); return err == nil }
	if !d.until("up", up) {
		d.fatal("it ended")
	}
}

// loads returns what the program found in the files each time it was reloaded.
func (r *crashRig) loads() []string {
	r.t.Helper()
	text, err := os.ReadFile(r.at("loads"))
	if err != nil {
		r.t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	return lines[:len(lines)-1]
}

// whole returns how a load of a generation looks.
func whole(gen int) string { return fmt.Sprintf("%d %[1]d %[1]d", gen) }

// holds returns what is in the files, in the form of a load.
func (r *crashRig) holds() string {
	var all []string
	for _, path := range r.files {
		content, err := os.ReadFile(path)
		if err != nil {
			content = []byte("?")
		}
		all = append(all, strings.TrimSpace(string(content)))
	}
	return strings.Join(all, " ")
}

// text returns what is in a file, "" where there is none.
func (r *crashRig) text(name string) string {
	text, _ := os.ReadFile(r.at(name))
	return string(text)
}

// strays returns the files that nobody asked for.
func (r *crashRig) strays() []string {
	var found []string
	_ = filepath.WalkDir(r.at("out"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !slices.Contains(r.files, path) {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// crash has a daemon killed while it makes a change, and then sees that
// everything is put right: with new data, or with the old again. kill gets a
// daemon that is at rest, changes the data and ends it.
func (r *crashRig) crash(back bool, kill func() (asked int)) {
	r.t.Helper()
	asked := kill()
	r.commandsEnd()
	if log := r.loads(); slices.ContainsFunc(log, func(l string) bool { return len(slices.Compact(strings.Fields(l))) != 1 }) {
		r.t.Fatalf("a mixture was loaded: %q", log)
	}
	crashed := len(r.loads())
	left := r.holds()

	// Without any data, nothing but what was under way is put right.
	r.ask(0)
	d := r.start()
	d.recovered()
	if got := r.holds(); got != whole(r.gen) && got != whole(asked) {
		d.fatal("the files hold %s after the restart, want all %d or all %d; the crash left %s", got, r.gen, asked, left)
	}
	target := asked
	if back {
		target = r.gen
	}
	r.ask(target)
	d.ready()
	if got := r.holds(); got != whole(target) {
		d.fatal("the files hold %s, want all %d", got, target)
	}
	all := r.loads()
	if n := len(all) - crashed; n > 1 || all[len(all)-1] != whole(target) {
		d.fatal("%d loads after the restart, the last of %s; want at most one, the last of %d", n, all[len(all)-1], target)
	}
	d.stop()
	if s := r.strays(); s != nil {
		d.fatal("the crash left %s; now there are %q", left, s)
	}
	r.gen = target
}

// rest starts a daemon where there is nothing to do.
func (r *crashRig) rest(d *crashDaemon) {
	r.t.Helper()
	n := len(r.loads())
	d.ready()
	if all := r.loads(); r.gen > 0 && len(all) != n {
		d.fatal("what was loaded is loaded again: %q", all[n:])
	}
	if r.gen == 0 {
		d.fatal("there is nothing yet")
	}
}

// begin has the first generation in place.
func (r *crashRig) begin() {
	r.t.Helper()
	r.gen = r.next()
	d := r.start()
	d.ready()
	d.stop()
}

// TestCrashAnywhere kills the daemon at random moments of a change of three
// files. What is there after a restart is all old or all new, and the program
// has been told of it, at most once too often.
func TestCrashAnywhere(t *testing.T) {
	r := newCrashRig(t)
	r.begin()
	crashes := 0
	took := 20 * time.Millisecond // what a change takes, about
	for since := time.Now(); time.Since(since) < crashTime(10*time.Second); crashes++ {
		r.crash(crashes%3 == 2, func() int {
			d := r.start()
			r.rest(d)
			began := time.Now()
			asked := r.next()
			if crashes%8 == 0 {
				d.until("loaded", func() bool { return slices.Contains(r.loads(), whole(asked)) })
				took = time.Since(began)
			} else {
				time.Sleep(rand.N(took))
			}
			d.kill()
			return asked
		})
	}
	t.Logf("%d crashes; a change takes %v", crashes, took)
}

// crashTime is how long a test with no end by itself goes on.
func crashTime(usual time.Duration) time.Duration {
	switch {
	case *soak > 0:
		return *soak
	case os.Getenv("RESTENCIL_SOAK") != "":
		return 10 * time.Minute
	}
	if !servers.Required() {
		usual /= 10
	}
	return usual
}
