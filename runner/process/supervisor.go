package process

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"

	"restencil/runner/event"
	"restencil/watch/schedule"
)

// A Process is a program that runs, with its process group.
type Process interface {
	ID() int
	Shell() bool           // whether signals are for the group (COMPAT 4.7)
	Gone() <-chan struct{} // closed when the process itself has ended
	Status() Status        // how it ended; valid from then on

	// Members are the processes of its group that live, by their ids, and
	// whether they ignore a signal. Nil where there are no groups.
	Members(sig os.Signal) map[int]bool

	Signal(sig os.Signal, group bool) error
	Kill()   // ends the group at once
	Settle() // waits until what was printed has been passed on
}

// A Supervisor starts a child, reloads it, passes signals on to it, starts it
// again and ends it. One goroutine, in Run, does all that, and listens all the
// time. Reload, Signal and Retire tell it what to do; they never wait, and may
// be called from any goroutine.
type Supervisor struct {
	child  Child
	spawn  func(args, env []string) (Process, error)
	retry  schedule.Backoff
	events func(event.Event)

	wake schedule.Wakeup // there is something in the inbox
	done chan struct{}   // closed at the end of Run

	mu     sync.Mutex
	inbox  inbox
	closed bool // nothing is taken any more

	// Owned by Run. The last three are there for all when done is closed.
	stop    <-chan struct{} // closed when all is to end; nil once that was seen
	files   FileSet         // that the child has not been told of
	stopped bool            // all is to end
	retired bool            // another child is to take over
	asked   os.Signal       // the signal that asked for the child's end, nil: none
	err     error           // why the child is no more
}

// An inbox is what a Supervisor is told.
type inbox struct {
	reload  bool
	retire  bool
	files   FileSet // because of which to reload
	signals []os.Signal
}

const maxSignals = 64 // bounds how many signals wait to be passed on

// NewSupervisor returns a Supervisor whose Run is still to be called. spawn
// starts the child. files are those that are there already. events is told
// what happens, from the goroutine of Run.
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

// Reload has the child take notice of files that changed.
func (s *Supervisor) Reload(files []string) {
	s.post(func(in *inbox) {
		in.reload = true
		in.files.Add(files...)
	})
}

// Signal passes a signal on. It tells whether it was in time.
func (s *Supervisor) Signal(sig os.Signal) bool {
	return s.post(func(in *inbox) {
		if len(in.signals) < maxSignals {
			in.signals = append(in.signals, sig)
		}
	})
}

// Retire has the child end, for another to take its place.
func (s *Supervisor) Retire() {
	s.post(func(in *inbox) { in.retire = true })
}

// Done is closed when the child is no more, with all of its group.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// Err says, once Done is closed, why the child is no more: nil where its exit
// code was 0 or it was retired, a [*ChildExit], or why it could not be started.
func (s *Supervisor) Err() error { return s.err }

// Replaced tells, once Done is closed, that the child ended for another to take
// its place, and that no signal asked for its end besides.
func (s *Supervisor) Replaced() bool { return s.retired && s.asked == nil }

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

// Run supervises the child until it is no more, or ctx has ended and the child
// with it.
func (s *Supervisor) Run(ctx context.Context) {
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
func (s *Supervisor) supervise() error {
	why, failures := ReasonStart, 0
	for {
		began := time.Now()
		st, next := Status{Code: codeUnknown}, ReasonRetry
		p, err := s.spawn(s.child.Args, Environ(s.child.Env, why, s.files.List()))
		if err == nil {
			s.files = FileSet{}
			s.events(event.ChildStarted{Args: s.child.Args, Process: p.ID(), Reason: string(why)})
			next = s.attend(p)
			st = s.end(p, next)
		}
		if err != nil && (why == ReasonStart || cmp.Or(s.child.Restart, RestartNever) == RestartNever) {
			return err
		}
		why = next
		if why == ReasonChange && !s.over() {
			failures = 0
			continue
		}
		ended := event.ChildEnded{Args: s.child.Args, Err: err, Code: st.Code, Signal: st.Signal, Asked: why != ReasonRetry}
		again := s.child.Restart == RestartAlways || s.child.Restart == RestartOnFailure && st.Code != 0
		if s.over() || !again {
			s.events(ended)
			return st.err()
		}
		if time.Since(began) > s.retry.Max {
			failures = 0 // it had been well for a while
		}
		failures++
		ended.Attempt, ended.RetryIn = failures, s.retry.Delay(failures)
		s.events(ended)
		if why = s.rest(ended.RetryIn); s.over() {
			return st.err()
		}
	}
}

// over tells whether the child is to end for good.
func (s *Supervisor) over() bool { return s.stopped || s.retired || s.asked != nil }

// attend looks after p until it has ended or is to end, and returns why.
func (s *Supervisor) attend(p Process) Reason {
	var splay <-chan time.Time // where it is to be reloaded or replaced
	for {
		select {
		case <-p.Gone():
			return ReasonRetry
		case <-s.stop:
			s.stop, s.stopped = nil, true
			return ReasonStop
		case <-s.wake:
			reload := s.look(p, false) && s.child.ReloadSignal != NoSignal
			if s.asked != nil {
				return ReasonSignal
			}
			if splay == nil && (reload || s.retired) {
				splay = time.After(rand.N(max(s.child.Splay, 1)))
			}
		case <-splay:
			splay = nil
			if s.retired {
				return ReasonStop
			}
			if s.child.ReloadSignal == nil {
				return ReasonChange
			}
			s.pass(p, s.child.ReloadSignal)
			s.files = FileSet{}
			s.events(event.ChildReloaded{Args: s.child.Args, Signal: s.child.ReloadSignal})
		}
	}
}

func (s *Supervisor) pass(p Process, sig os.Signal) {
	// It may have ended meanwhile, or know no signals.
	_ = p.Signal(sig, p.Shell())
}

// look takes note of what is in the inbox, and passes signals on to p, if
// there is one. Those that ask for its end are only noted, unless it is ending
// already. It returns whether the child is to be reloaded.
func (s *Supervisor) look(p Process, ending bool) (reload bool) {
	s.mu.Lock()
	in := s.inbox
	s.inbox = inbox{}
	s.mu.Unlock()
	s.files.Add(in.files.List()...)
	s.retired = s.retired || in.retire
	reload = in.reload
	for _, sig := range in.signals {
		if sig == s.child.ReloadSignal {
			reload = true
			continue
		}
		ends := sig == s.child.killSignal() || sig == syscall.SIGTERM
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
// kills what is left after KillTimeout. If p has ended by itself,
// it ends the rest of the group.
func (s *Supervisor) end(p Process, why Reason) Status {
	began := time.Now()
	limit := time.NewTimer(s.child.KillTimeout)
	defer limit.Stop()
	e := ending{Process: p, sig: s.child.killSignal()}
	if why == ReasonSignal {
		e.sig = s.asked
	}
	if why != ReasonRetry {
		s.events(event.ChildEnding{Args: s.child.Args, Signal: e.sig, Reason: string(why)})
		if e.ask(p.Shell()) != nil {
			limit.Reset(0)
		}
	}
	var check <-chan time.Time
	gone := p.Gone()
	for gone != nil || len(p.Members(e.sig)) > 0 {
		select {
		case <-gone:
			gone, check = nil, time.Tick(groupCheck)
			if !e.asked && len(e.Members(e.sig)) > 0 {
				_ = e.ask(true) // those that may not be asked may not be killed either
			}
		case <-check:
			if !e.killed && e.hopeless() {
				limit.Reset(0)
			}
		case <-s.wake:
			s.look(p, true)
		case <-s.stop:
			s.stop, s.stopped = nil, true
		case <-limit.C:
			if e.killed {
				return Status{Code: codeSignalled, Signal: "it cannot be killed"}
			}
			s.events(event.ChildKilled{Args: s.child.Args, After: time.Since(began)})
			e.killed = true
			p.Kill()
			limit.Reset(killLimit)
		}
	}
	p.Settle()
	return p.Status()
}

// rest waits until it is time to start the child again, and returns why it is.
func (s *Supervisor) rest(d time.Duration) Reason {
	timer := time.After(d)
	for !s.over() {
		select {
		case <-timer:
			return ReasonRetry
		case <-s.wake:
			if s.look(nil, false) {
				return ReasonChange
			}
		case <-s.stop:
			s.stop, s.stopped = nil, true
		}
	}
	return ReasonStop
}

// groupCheck is how often end looks whether a group has ended: the system sends no
// notice.
const groupCheck = 20 * time.Millisecond

// An ending is how far the end of a process has come.
type ending struct {
	Process
	sig     os.Signal    // asks for it
	asked   bool         // the whole group was
	ignored map[int]bool // the processes of the group, and whether they ignored sig
	killed  bool
}

func (e *ending) ask(group bool) error {
	e.asked = group
	e.ignored = e.Members(e.sig) // not later: many ignore a signal once they have acted on it
	return e.Signal(e.sig, group)
}

// hopeless tells whether none of those that are left will end because they
// were asked. A shell, for one, has what it runs in the background ignore
// SIGINT.
func (e *ending) hopeless() bool {
	for id := range e.Members(e.sig) {
		if !e.ignored[id] {
			return false
		}
	}
	return true
}

// A Child is a program that is run beside the templates (COMPAT 4.7). It is
// started when every template has been rendered and the commands of that have
// run, with Dry too. When a file of a template changes it is reloaded, after
// the commands for that file. When Run returns it has ended, with its whole
// process group; a program that leaves the group is out of reach.
//
// It has the standard input of the process, and its output as far as Stdout
// and Stderr of the Options are files.
type Child struct {
	// Args is as in Command. Required.
	Args []string

	// Env is as in Command.
	Env []string

	// KillSignal asks it to end. Nil for os.Interrupt; the signal 0 for none
	// (COMPAT Q11).
	KillSignal os.Signal

	// KillTimeout is how long it then has, before its group is killed. Zero:
	// no time.
	KillTimeout time.Duration

	// ReloadSignal reloads it. Nil: it is ended and started again instead;
	// the signal 0: nothing is done (COMPAT Q11).
	ReloadSignal os.Signal

	// Splay bounds the random time before it is reloaded, so that many
	// machines do not do so at once. Zero: there is none.
	Splay time.Duration

	// Restart says what is done when it ends by itself.
	Restart RestartPolicy
}

// A RestartPolicy says whether a Child that ended by itself is started again,
// after the backoff of Options.Retry. Otherwise Run ends with its exit code.
type RestartPolicy string

const (
	RestartNever     RestartPolicy = "never"      // as in consul-template; so is ""
	RestartOnFailure RestartPolicy = "on-failure" // unless its exit code was 0
	RestartAlways    RestartPolicy = "always"
)

// A ChildExit is the error of Run where it ends because its Child has ended,
// by itself or because Signal asked for it, with another exit code than 0.
type ChildExit struct {
	Code   int    // that of the child; 255 if a signal ended it, 127 if it is not known
	Signal string // that signal, as "killed", or ""
}

func (e *ChildExit) Error() string {
	if e.Signal != "" {
		return fmt.Sprintf("child process exited with code %d (%s)", e.Code, e.Signal)
	}
	return fmt.Sprintf("child process exited with code %d", e.Code)
}

// err returns what Run returns for a child that ended like this.
func (s Status) err() error {
	if s.Code == 0 {
		return nil
	}
	return &ChildExit{Code: s.Code, Signal: s.Signal}
}

// NoSignal is the signal that is none.
const NoSignal = syscall.Signal(0)

func (c *Child) killSignal() os.Signal { return cmp.Or(c.KillSignal, os.Interrupt) }
