package process

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"restencil/runner/event"
	"restencil/watch/schedule"
)

// A fakeProcess ends when it is interrupted, and counts other signals.
type fakeProcess struct {
	end     chan struct{}
	ending  sync.Once
	signals int
	lingers atomic.Bool // another process of its group
}

func newFake() *fakeProcess { return &fakeProcess{end: make(chan struct{})} }

func (p *fakeProcess) spawn(_, _ []string) (Process, error) { return p, nil }

func (p *fakeProcess) ID() int               { return 1 }
func (p *fakeProcess) Shell() bool           { return false }
func (p *fakeProcess) Done() <-chan struct{} { return p.end }
func (p *fakeProcess) Status() Status        { return Status{} }
func (p *fakeProcess) Kill()                 { p.ending.Do(func() { close(p.end) }) }
func (p *fakeProcess) Drain()                {}

func (p *fakeProcess) Members(os.Signal) map[int]bool {
	if p.lingers.Load() {
		return map[int]bool{2: false}
	}
	return nil
}

func (p *fakeProcess) Signal(sig os.Signal, _ bool) error {
	if sig == os.Interrupt {
		p.Kill()
		return nil
	}
	p.signals++
	return nil
}

// newSupervisor returns a Supervisor of "app" that keeps its events to itself.
func newSupervisor(c Child, spawn func(args, env []string) (Process, error)) *Supervisor {
	c.Args = []string{"app"}
	return NewSupervisor(c, nil, spawn, schedule.Backoff{}, func(event.Event) {})
}

// More changes do not put a reload off.
func TestSplayIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFake()
		s := newSupervisor(Child{Splay: time.Hour, ReloadSignal: syscall.SIGHUP}, p.spawn)
		ctx, cancel := context.WithCancel(t.Context())
		go s.Run(ctx, false)
		for range 20 {
			before := p.signals
			for range 60 {
				s.Reload([]string{"a"})
				time.Sleep(time.Minute)
				synctest.Wait()
			}
			if p.signals == before {
				t.Error("no reload within an hour")
			}
		}
		cancel()
		<-s.Done()
	})
}

// A child that ends while files change, before it is reloaded or while the rest of its group is
// ended, is started again at once: they may be what it lacked.
func TestReloadNearTheEnd(t *testing.T) {
	for _, splay := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			first, second := newFake(), newFake()
			started := 0
			s := newSupervisor(Child{Restart: RestartAlways, ReloadSignal: syscall.SIGHUP, Splay: splay, KillTimeout: time.Minute}, func([]string, []string) (Process, error) {
				if started++; started == 1 {
					return first, nil
				}
				return second, nil
			})
			s.retry = schedule.Backoff{Base: time.Hour, Attempts: -1}
			ctx, cancel := context.WithCancel(t.Context())
			go s.Run(ctx, false)
			synctest.Wait()
			if splay == 0 {
				first.lingers.Store(true)
				first.Kill()
				synctest.Wait()
				s.Reload([]string{"a"})
				synctest.Wait()
				first.lingers.Store(false)
			} else {
				s.Reload([]string{"a"})
				synctest.Wait()
				first.Kill()
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if started != 2 {
				t.Errorf("splay %v: started %d times", splay, started)
			}
			cancel()
			<-s.Done()
		})
	}
}

// A Supervisor whose child is no more takes nothing.
func TestSupervisorAfterTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := newSupervisor(Child{}, newFake().spawn)
	s.Run(ctx, false)
	if s.Signal(syscall.SIGTERM) {
		t.Error("a signal was taken")
	}
}

// What it has taken it heeds.
func TestSupervisorNearTheEnd(t *testing.T) {
	s := newSupervisor(Child{}, nil)
	s.spawn = func([]string, []string) (Process, error) {
		s.Signal(syscall.SIGTERM)
		return nil, errors.New("no")
	}
	s.Run(t.Context(), false)
	if s.endSignal != syscall.SIGTERM {
		t.Error("the signal was lost")
	}
}
