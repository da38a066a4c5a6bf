package servers

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// grace is how long a server gets to end by itself before it is killed.
const grace = 5 * time.Second

// A process is a running server, in a process group of its own.
type process struct {
	cmd     *exec.Cmd
	logPath string
	done    chan struct{} // closed when the process has ended
}

// startProcess starts cmd and appends what it prints to the file at logPath.
func startProcess(cmd *exec.Cmd, logPath string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log

	p := &process{cmd: cmd, logPath: logPath, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// A parent-death signal is sent when the thread ends that started the
		// process, so that thread must not end before the process does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // servers end with many codes; none matters here
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return p, nil
}

// ended says whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop ends the process in its own good time, or kills it after grace.
func (p *process) stop() {
	if p.ended() {
		return
	}
	p.terminate()
	select {
	case <-p.done:
	case <-time.After(grace):
		p.kill()
	}
}

// kill ends the process and its group at once, and returns when it has ended.
func (p *process) kill() {
	if p.ended() {
		return
	}
	p.killGroup()
	<-p.done
}

// log returns the last lines of what the process printed.
func (p *process) log() string {
	text, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	const most = 30
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

// waitReady polls ready until it returns nil. It gives up when the process
// ends or the time is over, with what the process printed.
func (p *process) waitReady(ready func() error) error {
	const (
		pause = 10 * time.Millisecond
		most  = time.Minute
	)
	deadline := time.Now().Add(most)
	for {
		err := ready()
		switch {
		case err == nil:
			return nil
		case p.ended():
			return fmt.Errorf("%s ended at its start:\n%s", p.cmd.Path, p.log())
		case time.Now().After(deadline):
			return fmt.Errorf("%s is not ready after %v: %w\n%s", p.cmd.Path, most, err, p.log())
		}
		time.Sleep(pause)
	}
}
