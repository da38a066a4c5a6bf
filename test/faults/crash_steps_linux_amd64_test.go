package faults

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"restencil/test/servers"
)

// changing are the system calls by which a change of files gets ahead.
var changing = map[uint64]string{
	syscall.SYS_RENAME: "rename", syscall.SYS_RENAMEAT: "renameat", 316: "renameat2",
	syscall.SYS_LINK: "link", syscall.SYS_LINKAT: "linkat",
	syscall.SYS_UNLINK: "unlink", syscall.SYS_UNLINKAT: "unlinkat",
	syscall.SYS_MKDIR: "mkdir", syscall.SYS_MKDIRAT: "mkdirat",
	syscall.SYS_PWRITE64: "pwrite64", syscall.SYS_FTRUNCATE: "ftruncate", syscall.SYS_FSYNC: "fsync",
	syscall.SYS_FCHMOD: "fchmod", syscall.SYS_FCHOWN: "fchown",
	syscall.SYS_OPENAT: "openat", syscall.SYS_CLONE: "clone",
}

// TestCrashAtEveryStep kills the daemon before each of the system calls that
// change something on disk or start a command, one after the other, while it
// makes a change of three files; and then has it go on with the new data, and
// with the old.
func TestCrashAtEveryStep(t *testing.T) {
	t.Run("applied", func(t *testing.T) {
		t.Parallel()
		crashAtEveryStep(t, (*crashRig).next, "applied in", false, true)
	})
	// The new files do not load. This goes on with the old data only: with the
	// new it would be the same again.
	t.Run("rolled back", func(t *testing.T) {
		t.Parallel()
		crashAtEveryStep(t, (*crashRig).nextBad, "the old files are back", true)
	})
}

// crashAtEveryStep kills daemons that make a change, from change to what they
// print at its end.
func crashAtEveryStep(t *testing.T, change func(*crashRig) int, end string, backs ...bool) {
	r := newCrashRig(t)
	r.begin()
	var steps []string
	r.crash(backs[0], func() (asked int) {
		asked, steps = r.killBefore("", change, end)
		return asked
	})
	missed := 0
	for _, step := range steps {
		if !servers.Required() && rand.IntN(8) > 0 { // some of them, others the next time
			continue
		}
		for _, back := range backs {
			r.crash(back, func() int {
				asked, done := r.killBefore(step, change, end)
				if len(done) == 0 || done[len(done)-1] != step {
					missed++ // threads do not always come in the same order
				}
				return asked
			})
		}
	}
	t.Logf("killed before each of %d steps, %d times, but for %d:\n%s", len(steps), len(backs), missed, strings.Join(steps, "\n"))
	if missed > len(steps)*len(backs)/5 { // most were there
		t.Errorf("%d steps could not be found again", missed)
	}
	for _, want := range []string{"renameat out/a.conf", "renameat out/sub/b.conf", "renameat out/c.conf", "clone", "pwrite64 state/bundles/"} {
		if !strings.Contains(strings.Join(steps, "\n"), want) {
			t.Errorf("no %s among the steps", want)
		}
	}
}

// killBefore has a daemon make a change and kills it before this step, or at
// the end. It returns the steps to there.
func (r *crashRig) killBefore(step string, change func(*crashRig) int, end string) (asked int, steps []string) {
	r.t.Helper()
	d := r.command()
	tr := &tracer{d: d, last: step, began: make(chan error)}
	go tr.run()
	if err := <-tr.began; err != nil {
		r.t.Skip("no process can be traced here: ", err)
	}
	r.t.Cleanup(d.kill)
	r.rest(d)
	tr.armed.Store(true)
	asked = change(r)
	d.until("at the end", func() bool { return strings.Contains(d.printed(), end) })
	d.kill()
	return asked, tr.steps
}

// A tracer is the owner of a process that it stops at each system call.
type tracer struct {
	d     *crashDaemon
	began chan error
	armed atomic.Bool
	last  string // the step before which the process is killed

	// The steps that it began; valid once it has ended.
	steps []string
}

// run starts the process and traces it to its end. All that is one thread's.
func (tr *tracer) run() {
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	cmd := tr.d.cmd
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	err := cmd.Start()
	if err == nil {
		err = tr.begin()
	}
	tr.began <- err
	if err != nil {
		return
	}
	defer close(tr.d.ended)
	for tr.step() {
	}
}

func (tr *tracer) begin() error {
	const exitKill = 0x100000
	var ws syscall.WaitStatus
	pid := tr.d.cmd.Process.Pid
	if _, err := syscall.Wait4(pid, &ws, syscall.WALL, nil); err != nil {
		return os.NewSyscallError("wait4", err)
	}
	err := syscall.PtraceSetOptions(pid, exitKill|syscall.PTRACE_O_TRACESYSGOOD|syscall.PTRACE_O_TRACECLONE)
	if err == nil {
		err = syscall.PtraceSyscall(pid, 0)
	}
	return os.NewSyscallError("ptrace", err)
}

// step waits for one stop and goes on; it returns false at the end.
func (tr *tracer) step() bool {
	const noThread = 0x20000000
	var ws syscall.WaitStatus
	id, err := syscall.Wait4(-1, &ws, syscall.WALL|noThread, nil)
	if err == syscall.EINTR {
		return true
	}
	if err != nil {
		return false
	}
	if !ws.Stopped() {
		return id != tr.d.cmd.Process.Pid
	}
	sig := ws.StopSignal()
	switch {
	case sig == syscall.SIGTRAP|0x80:
		tr.look(id)
		sig = 0
	case sig == syscall.SIGTRAP, sig == syscall.SIGSTOP: // a new thread
		sig = 0
	}
	_ = syscall.PtraceSyscall(id, int(sig)) // it may have been killed
	return true
}

// look notes the step that the process is about to make, and kills it where it
// is not to make that any more.
func (tr *tracer) look(id int) {
	if !tr.armed.Load() || tr.last != "" && slices.Contains(tr.steps, tr.last) {
		return
	}
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(id, &regs) != nil || int64(regs.Rax) != -int64(syscall.ENOSYS) {
		return // it is on the way out
	}
	name := changing[regs.Orig_rax]
	switch {
	case name == "",
		name == "openat" && regs.Rdx&syscall.O_CREAT == 0,
		name == "clone" && regs.Rdi&syscall.CLONE_THREAD != 0:
		return
	}
	step := name + " " + tr.subject(id, name, &regs)
	for n, base := 2, step; slices.Contains(tr.steps, step); n++ {
		step = fmt.Sprintf("%s, time %d", base, n)
	}
	tr.steps = append(tr.steps, step)
	if step == tr.last {
		_ = syscall.Kill(tr.d.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// random is what differs in the names of files from one change to another.
var random = regexp.MustCompile(`(restencil-|history/.*/)[0-9a-z]+`)

// subject returns what a call is about.
func (tr *tracer) subject(id int, name string, regs *syscall.PtraceRegs) string {
	var path string
	switch name {
	case "clone":
	case "openat", "unlinkat", "mkdirat":
		path = stringAt(id, regs.Rsi)
	case "renameat", "renameat2", "linkat":
		path = stringAt(id, regs.R10)
	case "rename", "link":
		path = stringAt(id, regs.Rsi)
	case "unlink", "mkdir":
		path = stringAt(id, regs.Rdi)
	default:
		path, _ = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", id, regs.Rdi))
	}
	path = strings.TrimPrefix(path, tr.d.rig.dir+"/")
	return random.ReplaceAllString(path, "$1*")
}

// stringAt reads a string of a traced process.
func stringAt(id int, address uint64) string {
	text := make([]byte, syscall.PathMax)
	n, _ := syscall.PtracePeekData(id, uintptr(address), text)
	text, _, _ = bytes.Cut(text[:n], []byte{0})
	return string(text)
}
