//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// enough is more time than anything here takes on the slowest machine.
const enough = 30 * time.Second

// A printout is a writer that can be looked at while it is written to.
type printout struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (p *printout) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.Write(b)
}

func (p *printout) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// until waits for cond to hold.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(enough); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func testExecutor(t *testing.T, stdout, stderr io.Writer, inherit bool) *Executor {
	t.Helper()
	e := NewExecutor(stdout, stderr, inherit)
	t.Cleanup(e.Close)
	return e
}

// shell is a command that goes to the shell.
func shell(script string) Command {
	return Command{Args: []string{script}, Timeout: enough}
}

// alive tells whether there is such a process that has not ended.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	// Nobody may be there to bury an orphan.
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(state)), "Z")
}

// pidIn returns the process id that a command wrote to a file.
func pidIn(t *testing.T, path string) int {
	t.Helper()
	var pid int
	until(t, "a process id in "+path, func() bool {
		text, _ := os.ReadFile(path)
		line, whole := strings.CutSuffix(string(text), "\n")
		pid, _ = strconv.Atoi(line)
		return whole && pid != 0
	})
	return pid
}

// endAfter ends a process that a command leaves behind when the test ends.
func endAfter(t *testing.T, pid int) {
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
}

func TestCommandOutput(t *testing.T) {
	var stdout, stderr printout
	e := testExecutor(t, &stdout, &stderr, false)
	output, err := e.Run(t.Context(), shell("echo out; echo err >&2; cat"))
	if err != nil {
		t.Fatal(err)
	}
	if stdout.String() != "out\n" || stderr.String() != "err\n" {
		t.Errorf("printed %q and %q", stdout.String(), stderr.String())
	}
	if output != "out\nerr\n" && output != "err\nout\n" {
		t.Errorf("output %q", output)
	}
}

func TestCommandOutputIsCopiedLive(t *testing.T) {
	var stdout printout
	e := testExecutor(t, &stdout, nil, false)
	fifo := newFIFO(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := e.Run(t.Context(), shell("echo first; read x <"+fifo)); err != nil {
			t.Error(err)
		}
	})
	until(t, "output while the command runs", func() bool { return stdout.String() == "first\n" })
	poke(t, fifo)
	wg.Wait()
}

// newFIFO returns the path of a pipe that a shell can wait at.
func newFIFO(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// poke lets go on what reads a line from the pipe.
func poke(t *testing.T, fifo string) {
	t.Helper()
	if err := os.WriteFile(fifo, []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
}

func TestCommandEnvironment(t *testing.T) {
	t.Setenv("INHERITED", "yes")
	e := testExecutor(t, nil, nil, false)
	c := shell(`echo "$INHERITED $OWN"`)
	for _, tt := range []struct {
		env  []string
		want string
	}{
		{nil, "yes \n"},
		{[]string{"OWN=1", "OWN=2"}, " 2\n"},
		{[]string{}, " \n"},
	} {
		c.Env = tt.env
		if got, err := e.Run(t.Context(), c); got != tt.want || err != nil {
			t.Errorf("environment %q: %q, %v; want %q", tt.env, got, err, tt.want)
		}
	}
}

func TestCommandErrors(t *testing.T) {
	const please = "\n\nPlease ensure the command exits with a zero (0) exit status to indicate success"
	tests := []struct {
		name   string
		args   []string
		err    string
		output string
	}{
		{"no command", nil, "", ""},
		{"empty command", []string{"", "a"}, "", ""},
		{"success", []string{"exit 0"}, "", ""},
		{
			"exit status", []string{"echo no; exit 3"},
			"child: command exited with a non-zero exit status:\n\n    sh -c echo no; exit 3" + please, "no\n",
		},
		{
			"killed by a signal", []string{"kill -9 $$"},
			"child: command exited with a non-zero exit status:\n\n    sh -c kill -9 $$" + please, "",
		},
		{
			"directly", []string{"sh", "-c", "exit 1"},
			"child: command exited with a non-zero exit status:\n\n    sh -c exit 1" + please, "",
		},
		{
			"no such program", []string{"nosuchprogram"},
			`child: exec: "nosuchprogram": executable file not found in $PATH`, "",
		},
		{
			"not a program", []string{"/etc/passwd"},
			"child: fork/exec /etc/passwd: permission denied", "",
		},
		{
			"blank", []string{"  "},
			"failed parsing command: executable file not found in $PATH", "",
		},
	}
	e := testExecutor(t, nil, nil, false)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			output, err := e.Run(t.Context(), Command{Args: tt.args, Timeout: enough})
			if err == nil {
				err = errors.New("")
			}
			if diff := cmp.Diff(tt.err, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if output != tt.output {
				t.Errorf("output %q, want %q", output, tt.output)
			}
		})
	}
}

func TestCommandTimeout(t *testing.T) {
	e := testExecutor(t, nil, nil, false)
	child := filepath.Join(t.TempDir(), "pid")
	c := Command{
		Args:    []string{"trap '' TERM; sleep 1000 & echo $! >" + child + "; echo begun; wait"},
		Timeout: 200 * time.Millisecond,
	}
	output, err := e.Run(t.Context(), c)
	want := "child: command did not exit within time limit (\"200ms\"):\n    sh -c " + c.Args[0]
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if output != "begun\n" {
		t.Errorf("output %q", output)
	}
	pid := pidIn(t, child)
	until(t, "the end of the whole group", func() bool { return !alive(pid) })
}

func TestCommandIsStopped(t *testing.T) {
	tests := []struct {
		name, script, output string
	}{
		{"gently", `trap "echo bye; exit" TERM; sleep 1000 & echo $! >PID; echo begun; wait`, "begun\nbye\n"},
		{"by force", `trap "" TERM; sleep 1000 & echo $! >PID; echo begun; wait`, "begun\n"},
		{"with a stubborn child", `(trap "" TERM; exec sleep 1000) & echo $! >PID; echo begun; wait`, "begun\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout printout
			e := testExecutor(t, &stdout, nil, false)
			e.grace = 200 * time.Millisecond
			file := filepath.Join(t.TempDir(), "pid")
			reason := errors.New("the program is to end")
			ctx, cancel := context.WithCancelCause(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() {
				until(t, "the command", func() bool { return stdout.String() == "begun\n" })
				cancel(reason)
			})
			output, err := e.Run(ctx, shell(strings.ReplaceAll(tt.script, "PID", file)))
			wg.Wait()
			if !errors.Is(err, reason) || output != tt.output {
				t.Errorf("output %q, error %v; want %q, %v", output, err, tt.output, reason)
			}
			pid := pidIn(t, file)
			until(t, "the end of the whole group", func() bool { return !alive(pid) })
		})
	}
}

func TestCommandAfterTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := testExecutor(t, nil, nil, false)
	if _, err := e.Run(ctx, Command{Args: []string{"true"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v; was it started?", err)
	}
}

// What a command leaves in the background holds up nobody, and can print as
// long as the Executor lives.
func TestCommandLeavesDaemon(t *testing.T) {
	var stdout printout
	e := testExecutor(t, &stdout, &stdout, false)
	fifo := newFIFO(t)
	start := time.Now()
	output, err := e.Run(t.Context(), shell("(read x <"+fifo+"; echo late) & echo started"))
	if err != nil || output != "started\n" {
		t.Fatalf("output %q, error %v", output, err)
	}
	if took := time.Since(start); took >= drainLimit {
		t.Errorf("took %v", took)
	}
	poke(t, fifo)
	until(t, "output of the daemon", func() bool { return stdout.String() == "started\nlate\n" })
}

// All that a command printed is there when run returns, even where it does
// not end the stream.
func TestCommandOutputIsComplete(t *testing.T) {
	var stdout printout
	e := testExecutor(t, &stdout, nil, false)
	fifo := newFIFO(t)
	output, err := e.Run(t.Context(), shell("(read x <"+fifo+") & head -c 500000 /dev/zero | tr '\\0' x; echo end"))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(stdout.String()); got != 500_004 {
		t.Errorf("%d bytes copied, want 500004", got)
	}
	if len(output) != tailSize || !strings.HasSuffix(output, "xxxend\n") {
		t.Errorf("output of %d bytes, ends in %q", len(output), output[max(0, len(output)-8):])
	}
	poke(t, fifo)
}

// A slowWriter takes nothing before the process has ended whose id is in file.
type slowWriter struct {
	t    *testing.T
	file string
	printout
}

func (w *slowWriter) Write(p []byte) (int, error) {
	pid := pidIn(w.t, w.file)
	until(w.t, "the end of the command", func() bool { return !alive(pid) })
	time.Sleep(20 * time.Millisecond) // for run to take note; if it does not, the test proves less
	return w.printout.Write(p)
}

func TestCommandOutputIsCompleteWithSlowWriter(t *testing.T) {
	w := &slowWriter{t: t, file: filepath.Join(t.TempDir(), "pid")}
	e := testExecutor(t, w, nil, false)
	fifo := newFIFO(t)
	output, err := e.Run(t.Context(),
		shell("(read x <"+fifo+") & head -c 50000 /dev/zero | tr '\\0' x; echo end; echo $$ >"+w.file))
	if err != nil || !strings.HasSuffix(output, "xend\n") {
		t.Errorf("output of %d bytes, error %v", len(output), err)
	}
	poke(t, fifo)
}

// Nor does one that never stops printing.
func TestCommandLeavesPrinter(t *testing.T) {
	e := testExecutor(t, nil, nil, false)
	file := filepath.Join(t.TempDir(), "pid")
	if _, err := e.Run(t.Context(), shell("yes & echo $! >"+file)); err != nil {
		t.Error(err)
	}
	endAfter(t, pidIn(t, file))
}

// A stuckWriter takes nothing until it is closed.
type stuckWriter chan struct{}

func (w stuckWriter) Write(p []byte) (int, error) {
	<-w
	return len(p), nil
}

func TestCommandWithStuckWriter(t *testing.T) {
	w := make(stuckWriter)
	e := testExecutor(t, w, nil, false)
	output, err := e.Run(t.Context(), shell("echo a"))
	close(w)
	if err != nil || output != "a\n" {
		t.Errorf("output %q, error %v", output, err)
	}
}

func TestCommandWithoutTimeout(t *testing.T) {
	e := testExecutor(t, nil, nil, false)
	file := filepath.Join(t.TempDir(), "pid")
	if output, err := e.Run(t.Context(), Command{Args: []string{"echo a; echo $$ >" + file + "; exit 3"}}); output != "" || err != nil {
		t.Errorf("output %q, error %v", output, err)
	}
	pid := pidIn(t, file)
	until(t, "the process to be reaped", func() bool { return syscall.Kill(pid, 0) != nil })
	if _, err := e.Run(t.Context(), Command{Args: []string{"nosuchprogram"}}); err == nil {
		t.Error("no error where nothing could be started")
	}
}

// A command that is left alone outlives the Executor, but no goroutine does.
func TestCommandOutlivesExecutor(t *testing.T) {
	before := goleak.IgnoreCurrent()
	e := NewExecutor(nil, nil, false)
	file := filepath.Join(t.TempDir(), "pid")
	if _, err := e.Run(t.Context(), Command{Args: []string{"echo $$ >" + file + "; exec sleep 1000"}}); err != nil {
		t.Fatal(err)
	}
	pid := pidIn(t, file)
	e.Close()
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
	if !alive(pid) {
		t.Error("the process has ended")
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil {
		t.Error("not in a group of its own: ", err)
	}
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil { // in place of init
		t.Error(err)
	}
}

func TestCommandInheritsFiles(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	script := "if [ -f /dev/stdout ]; then echo file; else echo pipe; fi"
	var want string
	for _, tt := range []struct {
		inherit bool
		timeout time.Duration
		want    string
		output  string
	}{
		{false, enough, "pipe\n", "pipe\n"},
		{true, enough, "file\n", ""},
		{false, 0, "file\n", ""}, // may outlive the program, and a pipe to it
	} {
		e := NewExecutor(file, nil, tt.inherit)
		output, err := e.Run(t.Context(), Command{Args: []string{script}, Timeout: tt.timeout})
		if err != nil || output != tt.output {
			t.Errorf("%+v: output %q, error %v", tt, output, err)
		}
		want += tt.want
		until(t, fmt.Sprintf("%+v", tt), func() bool {
			got, _ := os.ReadFile(file.Name())
			return string(got) == want
		})
		e.Close()
	}
}

func TestCommandsConcurrently(t *testing.T) {
	var stdout strings.Builder // which only one may write to at a time
	e := NewExecutor(&stdout, &stdout, false)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			want := fmt.Sprintln(i)
			if output, err := e.Run(t.Context(), shell(fmt.Sprint("echo ", i))); output != want || err != nil {
				t.Errorf("output %q, error %v; want %q", output, err, want)
			}
		})
	}
	wg.Wait()
	e.Close()
	if got := strings.Count(stdout.String(), "\n"); got != 20 {
		t.Errorf("%d lines, want 20", got)
	}
}

func TestCommandsLeaveNoDescriptors(t *testing.T) {
	descriptors := func() int {
		entries, err := os.ReadDir("/dev/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(entries)
	}
	e := testExecutor(t, nil, nil, false)
	runSome := func() {
		for range 10 {
			if _, err := e.Run(t.Context(), shell("exit 0")); err != nil {
				t.Error(err)
			}
		}
	}
	runSome()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would close them, too
	before := descriptors()
	runSome()
	until(t, "descriptors to be closed", func() bool { return descriptors() <= before })
}

func TestTail(t *testing.T) {
	var tl tail
	tl.write([]byte(strings.Repeat("é", tailSize)))
	tl.write([]byte("x"))
	got := tl.String()
	if want := strings.Repeat("é", tailSize/2-1) + "x"; got != want {
		t.Errorf("%d bytes, begins with %q; want %d", len(got), got[:4], len(want))
	}
}

// What was cut does not begin with the rest of a secret.
func TestTailBeginsWithALine(t *testing.T) {
	for _, tt := range []struct{ printed, want string }{
		{"short", "short"},
		{strings.Repeat("long secret\n", tailSize), strings.Repeat("long secret\n", tailSize/12)},
		{"secret " + strings.Repeat("x", tailSize-3), strings.Repeat("x", tailSize-3)},
		{strings.Repeat("x", tailSize) + "\n", strings.Repeat("x", tailSize-1) + "\n"},
	} {
		var tl tail
		tl.write([]byte(tt.printed))
		if got := tl.String(); got != tt.want {
			t.Errorf("%d bytes, begin with %.20q; want %d", len(got), got, len(tt.want))
		}
	}
}

// What a check prints is passed on without secrets, as its lines are complete,
// and in the end even if they are not; also where it would have the process's own
// output.
func TestCommandMasks(t *testing.T) {
	for _, inherit := range []bool{false, true} {
		own, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
		if err != nil {
			t.Fatal(err)
		}
		defer own.Close()
		var stderr printout
		e := testExecutor(t, own, &stderr, inherit)
		c := shell("echo canary >&2; sleep 0.1; printf 'a can'; sleep 0.1; printf 'ary\\nand canary'; sleep 1.1; exit 1")
		c.Mask = func(s string) string { return strings.ReplaceAll(s, "canary", "***") }
		output, err := e.Run(t.Context(), c)
		if err == nil || !strings.Contains(output, "canary\nand canary") {
			t.Errorf("returned %q, %v", output, err)
		}
		if got, err := os.ReadFile(own.Name()); string(got) != "a ***\nand ***" || stderr.String() != "***\n" {
			t.Errorf("printed %q (%v) and %q", got, err, stderr.String())
		}
	}
}

// A prompt is passed on while the command waits for the answer.
func TestCommandPrompts(t *testing.T) {
	var stdout printout
	e := testExecutor(t, &stdout, nil, false)
	name, password := newFIFO(t), newFIFO(t)
	c := shell("printf Name:; read x <" + name + "; printf Password:; read x <" + password)
	c.Timeout = 2 * enough // no prompt is seen since it ends the command
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := e.Run(t.Context(), c); err != nil {
			t.Error(err)
		}
	})
	until(t, "the first prompt", func() bool { return stdout.String() == "Name:" })
	poke(t, name)
	until(t, "the second prompt", func() bool { return stdout.String() == "Name:Password:" })
	poke(t, password)
	wg.Wait()
}

// A secret that is printed in two pieces is masked, however long the first one stands.
func TestCommandMasksPieces(t *testing.T) {
	var stdout, stderr printout
	e := testExecutor(t, &stdout, &stderr, false)
	fifo := newFIFO(t)
	c := shell("printf can; echo held >&2; read x <" + fifo + "; echo ary")
	c.Mask = func(s string) string { return strings.ReplaceAll(s, "canary", "***") }
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := e.Run(t.Context(), c); err != nil {
			t.Error(err)
		}
	})
	until(t, "what was held back", func() bool { return stderr.String() == "held\n" })
	poke(t, fifo)
	wg.Wait()
	if stdout.String() != "***\n" {
		t.Errorf("printed %q", stdout.String())
	}
}

// A failure tells whether what it printed was passed on, and for what besides an
// exit code the command failed.
func TestCommandFailures(t *testing.T) {
	for _, tt := range []struct {
		script  string
		timeout time.Duration
		printed bool
		reason  string
	}{
		{"echo a; exit 3", enough, false, ""},
		{"yes | head -c 5000; exit 3", enough, true, ""},
		{"echo a; sleep 1.2; exit 3", enough, true, ""},
		{"kill -9 $$", enough, false, "killed"},
		{"sleep 1000", 50 * time.Millisecond, false, "timeout"},
	} {
		var stdout printout
		e := testExecutor(t, &stdout, &stdout, false)
		_, err := e.Run(t.Context(), Command{Args: []string{tt.script}, Timeout: tt.timeout})
		var failure *CommandError
		if !errors.As(Brief(err, strings.ToUpper), &failure) || failure.Printed != tt.printed || failure.Reason != tt.reason {
			t.Errorf("%s: %+v, want printed %v, reason %q", tt.script, failure, tt.printed, tt.reason)
		}
		if tt.printed != (stdout.String() != "") {
			t.Errorf("%s: printed %q", tt.script, stdout.String())
		}
	}
}

// The standard error of a child goes to Line, where there is one; its standard
// output stays its own.
func TestRealChildPrintsLines(t *testing.T) {
	own, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	var lines printout
	e := testExecutor(t, own, own, false)
	e.Line = func(args []string, line string) { fmt.Fprintf(&lines, "%s: %s\n", args[0], line) }
	script := "test -f /dev/stdout && echo out; echo one >&2; printf two >&2"
	p, err := e.Spawn([]string{script}, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	p.Drain()
	if want := script + ": one\n" + script + ": two\n"; lines.String() != want {
		t.Errorf("lines %q, want %q", lines.String(), want)
	}
	if got, err := os.ReadFile(own.Name()); string(got) != "out\n" {
		t.Errorf("printed %q (%v)", got, err)
	}
}

// A line without an end takes no memory without end, and what a daemon prints
// later is hidden, too.
func TestLineWriter(t *testing.T) {
	var to strings.Builder
	v := &lineWriter{write: func(text string) { to.WriteString(text) }, mask: strings.ToUpper}
	for _, step := range []struct{ write, want string }{
		{"a", ""}, {"b\nc", "AB\n"}, {"\n", "AB\nC\n"}, {"d", "AB\nC\n"},
	} {
		if v.add([]byte(step.write)); to.String() != step.want {
			t.Errorf("after %q passed on %q, want %q", step.write, to.String(), step.want)
		}
	}
	v.flush(len(v.rest))
	v.flush(len(v.rest))
	if to.String() != "AB\nC\nD" {
		t.Errorf("in the end %q", to.String())
	}
	v.add(make([]byte, maxLine+1))
	if len(v.rest) != 0 {
		t.Errorf("%d bytes are kept back", len(v.rest))
	}
}
