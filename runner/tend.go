package runner

import (
	"context"
	"os"
	"reflect"
	"slices"
	"sync/atomic"
	"time"
)

// A childState is what the loop knows of the child.
type childState struct {
	now   *supervisor // nil: there is none
	start wish        // to start it

	change wish    // to reload it
	files  fileSet // because of these
	last   int     // the last pass that changed one

	heard atomic.Pointer[supervisor] // the same as now, for Signal
}

// A wish is for something that is to be done when the commands have run that
// were wanted in some pass.
type wish struct {
	made bool
	pass int // as Runner.pass
}

func (w *wish) make(pass int) {
	if !w.made {
		*w = wish{true, pass}
	}
}

// Signal passes a signal on to the child, and returns false where there is
// none. The child's ReloadSignal reloads it. Its KillSignal, and SIGTERM, ask
// it to end, in the way of all ends, and Run then returns its exit code
// (COMPAT 4.7).
//
// Signal may be called from any goroutine. It does not wait.
func (r *Runner) Signal(sig os.Signal) bool {
	s := r.child.heard.Load()
	return s != nil && s.signal(sig)
}

// tend starts, reloads, replaces or ends the child, if it is time to.
func (r *Runner) tend(ctx context.Context) {
	c, next := &r.child, r.opts.Child
	switch {
	case c.now != nil && next != nil && reflect.DeepEqual(c.now.child, *next):
		if c.change.made && r.haveRun(c.change.pass) {
			r.reloadChild()
		}
	case c.now != nil && next == nil:
		c.now.retire()
	case next == nil || !r.startDue():
	case c.now != nil:
		c.now.retire()
	default:
		r.startChild(ctx, *next)
	}
}

// startDue tells whether all has been done that a child is to find.
func (r *Runner) startDue() bool {
	if r.opts.Once {
		return r.finished() && len(r.errs) == 0
	}
	if r.unrendered > 0 {
		r.child.start = wish{}
		return false
	}
	r.child.start.make(r.pass)
	return r.haveRun(r.child.start.pass)
}

// haveRun tells whether the commands have run that the passes up to this one
// wanted. Those that failed, and are tried again, have.
func (r *Runner) haveRun(pass int) bool {
	until := func(since int) bool { return since > 0 && since <= pass }
	if r.running != nil && until(r.runningSince) {
		return false
	}
	return !slices.ContainsFunc(r.wanted, func(b *bundle) bool { return until(b.since) })
}

func (r *Runner) startChild(ctx context.Context, c Child) {
	destinations := new(fileSet)
	for _, u := range r.units {
		destinations.add(u.spec.Destination)
	}
	s := newSupervisor(c, destinations.list, r.spawn, r.opts.Retry)
	go s.run(ctx)
	r.child.now = s
	r.child.heard.Store(s)
	r.child.start, r.child.change, r.child.files = wish{}, wish{}, fileSet{}
}

func (r *Runner) reloadChild() {
	c := &r.child
	c.now.reload(c.files.list)
	c.files = fileSet{}
	done := c.change.pass
	c.change = wish{}
	if c.last > done { // what changed since may have commands that still run
		c.change.make(c.last)
	}
}

// changed notes that u's file changed.
func (r *Runner) changed(u *unit, now time.Time) {
	if b := u.bundle; len(b.command.Args) > 0 && !r.opts.Dry {
		b.changed(u, now)
		r.want(b)
		if b.since == 0 {
			b.since = r.pass
		}
	}
	if r.child.now != nil {
		r.child.files.add(u.spec.Destination)
		r.child.change.make(r.pass)
		r.child.last = r.pass
	}
}

// childNews is readable when the child has something to tell.
func (r *Runner) childNews() <-chan struct{} {
	if r.child.now == nil {
		return nil
	}
	return r.child.now.told
}

// childDone is readable when the child is no more.
func (r *Runner) childDone() <-chan struct{} {
	if r.child.now == nil {
		return nil
	}
	return r.child.now.done
}

func (r *Runner) tellOfChild() {
	if r.child.now != nil {
		for _, e := range r.child.now.take() {
			r.tell(e)
		}
	}
}

// childEnded takes note that the child is no more, and tells whether Run is to
// return with err because of that.
func (r *Runner) childEnded(ctx context.Context) (end bool, err error) {
	r.tellOfChild()
	s := r.child.now
	r.child.now = nil
	r.child.heard.Store(nil)
	if ctx.Err() != nil {
		return true, nil // which ended the child, too
	}
	if s.retired && s.asked == nil {
		return false, nil
	}
	return true, s.err
}

// joinChild waits for the end of the child, when it has been asked to end.
func (r *Runner) joinChild() {
	if r.child.now != nil {
		<-r.child.now.done
		r.tellOfChild()
	}
}
