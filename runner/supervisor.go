package runner

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"restencil/watch"
)

// A proc is a process with its group.
type proc interface {
	id() int
	shell() bool           // whether signals are for the group (COMPAT 4.7)
	gone() <-chan struct{} // closed when the process itself has ended
	how() status           // how it ended; valid from then on

	// members are the processes of its group that live, by their ids, and
	// whether they ignore a signal. Nil where there are no groups.
	members(sig os.Signal) map[int]bool

	signal(sig os.Signal, group bool) error
	kill()   // ends the group at once
	settle() // waits until what was printed has been passed on
}

// A supervisor starts a child, reloads it, passes signals on to it, starts it
// again and ends it. One goroutine, in run, does all that, and listens all the
// time. It is told what to do by reload, signal and retire, which never wait.
type supervisor struct {
	child Child
	spawn func(args, env []string) (proc, error)
	retry watch.Backoff

	poked chan struct{} // there is something in the inbox
	told  chan struct{} // there are events to take
	done  chan struct{} // closed at the end of run

	mu     sync.Mutex
	inbox  inbox
	events []Event
	closed bool // nothing is taken any more

	// Owned by run. The last three are there for all when done is closed.
	stop    <-chan struct{} // closed when all is to end; nil once that was seen
	files   fileSet         // that the child has not been told of
	stopped bool            // all is to end
	retired bool            // another child is to take over
	asked   os.Signal       // the signal that asked for the child's end, nil: none
	err     error           // why the child is no more, as Run returns it
}

// An inbox is what a supervisor is told.
type inbox struct {
	reload  bool
	retire  bool
	files   fileSet // because of which to reload
	signals []os.Signal
}

// maxSignals bounds how many signals wait to be passed on.
const maxSignals = 64

// newSupervisor returns a supervisor whose run is still to be called. files
// are those that are there already.
func newSupervisor(c Child, files []string, spawn func(args, env []string) (proc, error), retry watch.Backoff) *supervisor {
	s := &supervisor{
		child: c,
		spawn: spawn,
		retry: retry,
		poked: make(chan struct{}, 1),
		told:  make(chan struct{}, 1),
		done:  make(chan struct{}),
	}
	s.files.add(files...)
	return s
}

// reload has the child take notice of files that changed.
func (s *supervisor) reload(files []string) {
	s.post(func(in *inbox) {
		in.reload = true
		in.files.add(files...)
	})
}

// signal passes a signal on. It tells whether it was in time.
func (s *supervisor) signal(sig os.Signal) bool {
	return s.post(func(in *inbox) {
		if len(in.signals) < maxSignals {
			in.signals = append(in.signals, sig)
		}
	})
}

// retire has the child end, for another to take its place.
func (s *supervisor) retire() {
	s.post(func(in *inbox) { in.retire = true })
}

func (s *supervisor) post(write func(*inbox)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	write(&s.inbox)
	wake(s.poked)
	return true
}

// take returns the events since the last call.
func (s *supervisor) take() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events
	s.events = nil
	return events
}

func (s *supervisor) tell(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	wake(s.told)
}

// wake sends to a channel that holds one, where it holds none.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run supervises the child until it is no more.
func (s *supervisor) run(ctx context.Context) {
	defer close(s.done)
	s.stop = ctx.Done()
	s.err = s.supervise()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.look(nil, true) // what was in time counts
}

// supervise starts the child, and starts it again where that is called for. It
// returns what became of it in the end, as Run returns it.
func (s *supervisor) supervise() error {
	why, failures := reasonStart, 0
	for {
		began := time.Now()
		st, next, err := s.live(why)
		if err != nil && (why == reasonStart || s.child.Restart == RestartNever) {
			return err
		}
		why = next
		if why == reasonChange && !s.over() {
			failures = 0
			continue
		}
		ended := ChildEnded{Args: s.child.Args, Err: err, Code: st.code, Signal: st.signal, Asked: why != reasonRetry}
		if s.over() || !s.child.again(st) {
			s.tell(ended)
			return st.err()
		}
		if time.Since(began) > s.retry.Max {
			failures = 0 // it had been well for a while
		}
		failures++
		ended.RetryIn = s.retry.Delay(failures)
		s.tell(ended)
		if why = s.rest(ended.RetryIn); s.over() {
			return st.err()
		}
	}
}

// over tells whether the child is to end for good.
func (s *supervisor) over() bool { return s.stopped || s.retired || s.asked != nil }

// live starts the child and sees it through to its end: it returns how it
// ended and why.
func (s *supervisor) live(why reason) (status, reason, error) {
	p, err := s.spawn(s.child.Args, environ(s.child.Env, why, s.files.list))
	if err != nil {
		return status{code: codeUnknown}, reasonRetry, err
	}
	s.files = fileSet{}
	s.tell(ChildStarted{Args: s.child.Args, Process: p.id(), Reason: string(why)})
	why = s.attend(p)
	return s.end(p, why), why, nil
}

// attend looks after p until it has ended or is to end, and returns why.
func (s *supervisor) attend(p proc) reason {
	var splay <-chan time.Time // where it is to be reloaded or replaced
	for {
		select {
		case <-p.gone():
			return reasonRetry
		case <-s.stop:
			s.stop, s.stopped = nil, true
			return reasonStop
		case <-s.poked:
			reload := s.look(p, false) && s.child.ReloadSignal != noSignal
			if s.asked != nil {
				return reasonSignal
			}
			if splay == nil && (reload || s.retired) {
				splay = time.After(s.splay())
			}
		case <-splay:
			splay = nil
			if s.retired {
				return reasonStop
			}
			if s.child.ReloadSignal == nil {
				return reasonChange
			}
			s.pass(p, s.child.ReloadSignal)
			s.files = fileSet{}
			s.tell(ChildReloaded{Args: s.child.Args, Signal: s.child.ReloadSignal})
		}
	}
}

// splay returns how long to wait before a reload.
func (s *supervisor) splay() time.Duration {
	if s.child.Splay <= 0 {
		return 0
	}
	return rand.N(s.child.Splay)
}

// pass passes a signal on to p.
func (s *supervisor) pass(p proc, sig os.Signal) {
	// It may have ended meanwhile, or know no signals.
	_ = p.signal(sig, p.shell())
}

// look takes note of what is in the inbox, and passes signals on to p, if
// there is one. Those that ask for its end are only noted, unless it is ending
// already. It returns whether the child is to be reloaded.
func (s *supervisor) look(p proc, ending bool) (reload bool) {
	s.mu.Lock()
	in := s.inbox
	s.inbox = inbox{}
	s.mu.Unlock()
	s.files.add(in.files.list...)
	s.retired = s.retired || in.retire
	reload = in.reload
	for _, sig := range in.signals {
		if sig == s.child.ReloadSignal {
			reload = true
			continue
		}
		ends := s.child.endsOn(sig)
		if ends {
			s.asked = sig
		}
		if p != nil && (!ends || ending) {
			s.pass(p, sig)
		}
	}
	return reload
}

// end has p and all of its group end, and returns when they have: it asks, and
// kills what is left after KillTimeout. Of what ended by itself it ends the rest.
func (s *supervisor) end(p proc, why reason) status {
	began := time.Now()
	limit := time.NewTimer(s.child.KillTimeout)
	defer limit.Stop()
	e := ending{proc: p, sig: s.child.killSignal()}
	if why == reasonSignal {
		e.sig = s.asked
	}
	if why != reasonRetry {
		s.tell(ChildEnding{Args: s.child.Args, Signal: e.sig, Reason: string(why)})
		if e.ask(p.shell()) != nil {
			limit.Reset(0)
		}
	}
	var check <-chan time.Time
	gone := p.gone()
	for gone != nil || len(p.members(e.sig)) > 0 {
		select {
		case <-gone:
			gone, check = nil, time.Tick(groupCheck)
			e.askOthers()
		case <-check:
			if !e.killed && e.hopeless() {
				limit.Reset(0)
			}
		case <-s.poked:
			s.look(p, true)
		case <-s.stop:
			s.stop, s.stopped = nil, true
		case <-limit.C:
			if e.killed {
				return status{code: codeSignalled, signal: "it cannot be killed"}
			}
			s.tell(ChildKilled{Args: s.child.Args, After: time.Since(began)})
			e.killed = true
			p.kill()
			limit.Reset(killLimit)
		}
	}
	p.settle()
	return p.how()
}

// rest waits until it is time to start the child again, and returns why it is.
func (s *supervisor) rest(d time.Duration) reason {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for !s.over() {
		select {
		case <-timer.C:
			return reasonRetry
		case <-s.poked:
			if s.look(nil, false) {
				return reasonChange
			}
		case <-s.stop:
			s.stop, s.stopped = nil, true
		}
	}
	return reasonStop
}
