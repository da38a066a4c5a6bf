package test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"restencil/test/await"
)

// daemons are the programs that a script has started, by name.
type daemons map[string]*scriptDaemon

type daemonsKey struct{}

type scriptDaemon struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed once cmd may be looked at
}

func startDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: daemon NAME PROGRAM ARGS…")
	}
	path, err := exec.LookPath(args[1])
	if err != nil {
		path = programIn(ts.Getenv("PATH"), args[1])
	}
	log, err := os.Create(ts.MkAbs(args[0] + ".log"))
	ts.Check(err)
	defer log.Close()
	d := &scriptDaemon{cmd: exec.Command(path, args[2:]...), ended: make(chan struct{})}
	d.cmd.Dir, d.cmd.Env = ts.MkAbs("."), environment(ts)
	d.cmd.Stdout, d.cmd.Stderr = log, log
	ts.Check(d.cmd.Start())
	go func() {
		_ = d.cmd.Wait()
		close(d.ended)
	}()
	ts.Value(daemonsKey{}).(daemons)[args[0]] = d
	ts.Defer(func() {
		_ = d.cmd.Process.Kill()
		<-d.ended
	})
}

func programIn(path, name string) string {
	for dir := range strings.SplitSeq(path, string(os.PathListSeparator)) {
		if p := dir + string(os.PathSeparator) + name; isFile(p) {
			return p
		}
	}
	return name
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// environment is that of the script.
func environment(ts *testscript.TestScript) []string {
	env := os.Environ()
	for _, name := range []string{"PATH", "HOME", "WORK", "TMPDIR", "STATE_DIRECTORY"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func daemonNamed(ts *testscript.TestScript, name string) *scriptDaemon {
	d := ts.Value(daemonsKey{}).(daemons)[name]
	if d == nil {
		ts.Fatalf("no daemon %s was started", name)
	}
	return d
}

func signalDaemon(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "INT": os.Interrupt, "TERM": syscall.SIGTERM, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL}
	if neg || len(args) != 2 || signals[args[1]] == nil {
		ts.Fatalf("usage: signal NAME HUP|INT|TERM|QUIT|KILL")
	}
	ts.Check(daemonNamed(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

func end(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: end NAME CODE")
	}
	ts.Check(daemonNamed(ts, args[0]).cmd.Process.Signal(syscall.SIGTERM))
	ended(ts, neg, args)
}

func ended(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ended NAME CODE")
	}
	d := daemonNamed(ts, args[0])
	select {
	case <-d.ended:
	case <-time.After(await.Timeout):
		ts.Fatalf("%s still runs", args[0])
	}
	log := ts.ReadFile(args[0] + ".log")
	if code := d.cmd.ProcessState.ExitCode(); strconv.Itoa(code) != args[1] {
		ts.Fatalf("exit code %d, want %s; it printed:\n%s", code, args[1], log)
	}
	if strings.Contains(log, "DATA RACE") {
		ts.Fatalf("%s has a data race:\n%s", args[0], log)
	}
}
