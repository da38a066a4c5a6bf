package bench

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is a program that runs.
type process struct {
	cmd *exec.Cmd
	log string
}

// startProcess starts a program. It is ended with the test, if not before.
func startProcess(t *testing.T, path string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(path, args...), log: filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	return p
}

// end ends the process and returns when it has.
func (p *process) end() {
	if p.cmd.ProcessState != nil {
		return
	}
	const grace = 5 * time.Second
	killer := time.AfterFunc(grace, func() { _ = p.cmd.Process.Kill() })
	defer killer.Stop()
	_ = p.cmd.Process.Signal(syscall.SIGINT) // consul-template does not listen to SIGTERM
	_ = p.cmd.Wait()
}

// output returns the end of what the process printed.
func (p *process) output() string {
	const most = 4 << 10
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// proc returns the path of a file about the process.
func (p *process) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), name)
}

// cpu returns how long the process has run on processors, in user and system
// mode. Time of threads that have ended is not in it; Go keeps its threads.
func (p *process) cpu() time.Duration { return cpuOf(p.cmd.Process.Pid) }

func cpuOf(pid int) time.Duration {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	var sum time.Duration
	for _, path := range threads {
		text, _ := os.ReadFile(path)
		ran, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(ran, 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

// peakMemory returns the most that was resident so far, in bytes.
func (p *process) peakMemory() float64 { return p.status("VmHWM:") }

// memory returns what is resident, in bytes.
func (p *process) memory() float64 { return p.status("VmRSS:") }

// status returns an amount of memory from the process's status.
func (p *process) status(field string) float64 {
	text, _ := os.ReadFile(p.proc("status"))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib * 1024
		}
	}
	return 0
}

// settle returns when the process has become quiet, or after a second.
func (p *process) settle() {
	const (
		pause = 10 * time.Millisecond
		quiet = 200 * time.Microsecond // of CPU in a pause
		most  = time.Second
	)
	for end := time.Now().Add(most); time.Now().Before(end); {
		before := p.cpu()
		time.Sleep(pause)
		if p.cpu()-before < quiet {
			return
		}
	}
}

// peakConnections looks every 20 ms how many connections to the agent the program
// has, until stop, which returns the peak, or the end of the test.
func (s *setup) peakConnections() (stop func() float64) {
	const pause = 20 * time.Millisecond
	done, result := make(chan struct{}), make(chan float64)
	p, addr := s.process, s.agent.Addr()
	go func() {
		peak := 0.0
		for {
			peak = max(peak, p.connections(addr))
			select {
			case <-done:
				result <- max(peak, p.connections(addr))
				return
			case <-time.After(pause):
			}
		}
	}()
	stop = sync.OnceValue(func() float64 { close(done); return <-result })
	s.t.Cleanup(func() { stop() })
	return stop
}

// connections returns how many established connections to addr the process
// has.
func (p *process) connections(addr string) float64 {
	_, port, _ := net.SplitHostPort(addr)
	number, _ := strconv.Atoi(port)
	remote := fmt.Sprintf(":%04X", number)
	const peer, state, established = 2, 3, "01"
	return p.count(func(f []string) bool { return f[state] == established && strings.HasSuffix(f[peer], remote) })
}

// listens reports whether the process listens for TCP connections.
func (p *process) listens() bool {
	const state, listening = 3, "0A"
	return p.count(func(f []string) bool { return f[state] == listening }) > 0
}

// count returns how many TCP sockets the process has whose fields, as proc(5) has them,
// are right.
func (p *process) count(right func(fields []string) bool) float64 {
	ours := p.sockets()
	count := 0.0
	for _, name := range []string{"net/tcp", "net/tcp6"} {
		text, _ := os.ReadFile(p.proc(name))
		for line := range strings.Lines(string(text)) {
			const inode = 9
			f := strings.Fields(line)
			if len(f) > inode && right(f) && ours[f[inode]] {
				count++
			}
		}
	}
	return count
}

// sockets returns the inodes of the process's sockets.
func (p *process) sockets() map[string]bool {
	inodes := make(map[string]bool)
	open, _ := os.ReadDir(p.proc("fd"))
	for _, fd := range open {
		target, _ := os.Readlink(filepath.Join(p.proc("fd"), fd.Name()))
		if rest, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(rest, "]")] = true
		}
	}
	return inodes
}
