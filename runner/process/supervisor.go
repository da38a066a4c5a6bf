package process

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"

	"restencil/runner/event"
	"restencil/watch/schedule"
)

// A Supervisor starts a child, reloads it, passes signals on to it, restarts it and
// ends it. One goroutine does that, in Run. Reload, Signal and Retire do not wait,
// and may be called from any goroutine.
type Supervisor struct {
	child  Child
	spawn  func(args, env []string) (Process, error)
	retry  schedule.Backoff
	events func(event.Event)

	wake schedule.Wakeup // the inbox is not empty
	done chan struct{}   // closed at the end of Run

	mu     sync.Mutex
	inbox  inbox
	closed bool // the inbox accepts no more

	// Owned by Run until it closes done.
	ctx       context.Context // of Run
	pending                   // taken from the inbox
	endSignal os.Signal       // the signal that asked for the end of the child, or nil
	err       error           // the result of Err
}

// A pending is what is to be done to a child.
type pending struct {
	reload bool
	files  FileSet // changed since it was started or reloaded
	retire bool    // another child replaces it
}

// An inbox is what a Supervisor is asked for.
type inbox struct {
	pending
	signals []os.Signal
}

// NewSupervisor returns a Supervisor of a child that spawn starts when Run is called.
// files are those that exist already. Run calls events for what happens.
func NewSupervisor(c Child, files []string, spawn func(args, env []string) (Process, error), retry schedule.Backoff, events func(event.Event)) *Supervisor {
	s := &Supervisor{
		child:  c,
		spawn:  spawn,
		retry:  retry,
		events: events,
		wake:   schedule.NewWakeup(),
		done:   make(chan struct{}),
	}
	s.files.Add(files...)
	return s
}

// Child returns what s supervises.
func (s *Supervisor) Child() Child { return s.child }

// Reload reloads the child because files changed.
func (s *Supervisor) Reload(files []string) {
	s.post(func(in *inbox) {
		in.reload = true
		in.files.Add(files...)
	})
}

// Signal passes a signal on. It returns false if the child has ended for good.
func (s *Supervisor) Signal(sig os.Signal) bool {
	return s.post(func(in *inbox) { in.signals = append(in.signals, sig) })
}

// Retire ends the child, for another to replace it.
func (s *Supervisor) Retire() {
	s.post(func(in *inbox) { in.retire = true })
}

// Done returns a channel that is closed when the child has ended for good, with all
// of its group.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// Err returns, once Done is closed, why the child has ended: nil if its exit code was
// 0 or it was retired, a [*ChildExit], or why it could not be started.
func (s *Supervisor) Err() error { return s.err }

// Replaced reports, once Done is closed, whether the child was retired, and no signal
// asked for its end besides.
func (s *Supervisor) Replaced() bool { return s.retire && s.endSignal == nil }

func (s *Supervisor) post(write func(*inbox)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	write(&s.inbox)
	s.wake.Wake()
	return true
}

// Run supervises the child until it has ended for good, or ctx has, and the child
// with it. One that cannot be started is an error, unless another ran before: then it is
// tried again as Restart says.
func (s *Supervisor) Run(ctx context.Context, again bool) {
	defer close(s.done)
	s.ctx = ctx
	s.err = s.supervise(again)
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.readInbox(nil, true) // Signal has returned true for these
}

// supervise starts the child until it must not be started again, and returns the
// result of Err.
func (s *Supervisor) supervise(again bool) error {
	why, failures := ReasonStart, 0
	for {
		began := time.Now()
		s.reload = false
		status, next := Status{Code: codeUnknown}, ReasonRetry
		p, err := s.spawn(s.child.Args, Environ(s.child.Env, why, s.files.List()))
		switch {
		case err == nil:
			s.files = FileSet{}
			s.events(event.ChildStarted{Args: s.child.Args, Process: p.ID(), Reason: string(why)})
			next = s.monitor(p)
			status = s.end(p, next)
		case why == ReasonStart && !again || cmp.Or(s.child.Restart, RestartNever) == RestartNever:
			return err
		default:
			err = Brief(err, nil)
		}
		if next == ReasonChange && !s.ending() {
			why, failures = next, 0
			continue
		}

		ended := event.ChildEnded{Args: s.child.Args, Err: err, Code: status.Code, Signal: status.Signal}
		restart := s.child.Restart == RestartAlways || s.child.Restart == RestartOnFailure && status.Code != 0
		if s.ending() || !restart {
			s.events(ended)
			return status.err()
		}
		if time.Since(began) > s.retry.Max {
			failures = 0 // it worked for a while
		}
		failures++
		ended.Attempt, ended.RetryIn = failures, s.retry.Delay(failures)
		s.events(ended)
		if why = s.delay(ended.RetryIn); s.ending() {
			return status.err()
		}
	}
}

// ending reports whether the child must end for good.
func (s *Supervisor) ending() bool { return s.ctx.Err() != nil || s.retire || s.endSignal != nil }

// monitor reloads p, and passes signals on to it, until it has ended or must end. It
// returns why.
func (s *Supervisor) monitor(p Process) Reason {
	var splay <-chan time.Time // fires when p is to be reloaded or replaced
	for {
		select {
		case <-p.Done():
			return ReasonRetry
		case <-s.ctx.Done():
			return ReasonStop
		case <-s.wake:
			s.readInbox(p, false)
			s.reload = s.reload && s.child.ReloadSignal != NoSignal
			if s.endSignal != nil {
				return ReasonSignal
			}
			if splay == nil && (s.reload || s.retire) {
				splay = time.After(rand.N(max(s.child.Splay, 1)))
			}
		case <-splay:
			splay = nil
			if s.retire {
				return ReasonStop
			}
			if s.child.ReloadSignal == nil {
				return ReasonChange
			}
			_ = p.Signal(s.child.ReloadSignal, p.Shell()) // it may have ended meanwhile
			s.files, s.reload = FileSet{}, false
			s.events(event.ChildReloaded{Args: s.child.Args, Signal: s.child.ReloadSignal})
		}
	}
}

// readInbox empties the inbox, and passes its signals on to p unless that is nil. A
// signal that asks for the end of the child becomes the endSignal, and is passed on
// only if the child is ending already.
func (s *Supervisor) readInbox(p Process, ending bool) {
	s.mu.Lock()
	in := s.inbox
	s.inbox = inbox{}
	s.mu.Unlock()
	s.files.Add(in.files.List()...)
	s.retire = s.retire || in.retire
	s.reload = s.reload || in.reload
	for _, sig := range in.signals {
		if sig == s.child.ReloadSignal {
			s.reload = true
			continue
		}
		ends := sig == s.child.killSignal() || sig == syscall.SIGTERM
		if ends {
			s.endSignal = sig
		}
		if p != nil && (!ends || ending) {
			_ = p.Signal(sig, p.Shell()) // it may have ended meanwhile
		}
	}
}

// groupCheck is how often end checks whether a group has ended: the system does not
// notify about that.
const groupCheck = 20 * time.Millisecond

// end ends p and all of its group: it sends a signal, and after KillTimeout kills
// what is left. If p has ended by itself, it ends the rest of the group.
func (s *Supervisor) end(p Process, why Reason) Status {
	began := time.Now()
	limit := time.NewTimer(s.child.KillTimeout)
	defer limit.Stop()
	sig := s.child.killSignal()
	if why == ReasonSignal {
		sig = s.endSignal
	}
	var groupAsked, killed bool
	var ignoring map[int]bool // the members when sig was sent, and whether they ignored it
	ask := func(group bool) error {
		groupAsked = group
		ignoring = p.Members(sig) // not later: many ignore a signal while they act on it
		return p.Signal(sig, group)
	}
	// hopeless reports whether all that are left have ignored sig. A shell, for one,
	// lets its background processes ignore SIGINT.
	hopeless := func() bool {
		for id := range p.Members(sig) {
			if !ignoring[id] {
				return false
			}
		}
		return true
	}
	if why != ReasonRetry {
		s.events(event.ChildEnding{Args: s.child.Args, Signal: sig, Reason: string(why)})
		if ask(p.Shell()) != nil {
			limit.Reset(0)
		}
	}
	var check <-chan time.Time
	done := p.Done()
	for done != nil || len(p.Members(sig)) > 0 {
		select {
		case <-done:
			done, check = nil, time.Tick(groupCheck)
			if !groupAsked && len(p.Members(sig)) > 0 {
				_ = ask(true) // if that is not permitted, neither is Kill
			}
		case <-check:
			if !killed && hopeless() {
				limit.Reset(0)
			}
		case <-s.wake:
			s.readInbox(p, true)
		case <-limit.C:
			if killed {
				return Status{Code: codeSignaled, Signal: "it cannot be killed"}
			}
			s.events(event.ChildKilled{Args: s.child.Args, After: time.Since(began)})
			killed = true
			p.Kill()
			limit.Reset(killLimit)
		}
	}
	p.Drain()
	return p.Status()
}

// delay waits until it is time to restart the child, and returns why to.
func (s *Supervisor) delay(d time.Duration) Reason {
	timer := time.After(d)
	for !s.ending() {
		if s.reload {
			return ReasonChange
		}
		select {
		case <-timer:
			return ReasonRetry
		case <-s.wake:
			s.readInbox(nil, false)
		case <-s.ctx.Done():
		}
	}
	return ReasonStop
}
