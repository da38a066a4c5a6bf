package runner

import (
	"context"
	"os"
	"reflect"
	"sync/atomic"

	"restencil/runner/process"
)

// child is what the loop knows of the program that is run beside the templates.
type child struct {
	spawn func(args, env []string) (process.Process, error)
	now   atomic.Pointer[process.Supervisor] // nil: there is none. Signal reads it, too
	start mark                               // to start it

	reload mark            // to reload it
	files  process.FileSet // because of these
	last   int             // the last pass that changed one
}

// A mark says that something is to be done when the bundles have done all there
// was to do for some pass.
type mark struct {
	set  bool
	pass int
}

func (m *mark) put(pass int) {
	if !m.set {
		*m = mark{true, pass}
	}
}

// Signal passes a signal on to the child, and returns false where there is
// none. The child's ReloadSignal reloads it. Its KillSignal, and SIGTERM, ask
// it to end, in the way of all ends, and Run then returns its exit code
// (COMPAT 4.7).
//
// Signal may be called from any goroutine. It does not wait.
func (r *Runner) Signal(sig os.Signal) bool {
	s := r.child.now.Load()
	return s != nil && s.Signal(sig)
}

// updateChild starts, reloads, replaces or ends the child, if it is time to.
func (r *Runner) updateChild(ctx context.Context) {
	c, next := &r.child, r.opts.Child
	now := c.now.Load()
	switch {
	case now != nil && next != nil && reflect.DeepEqual(now.Child(), *next):
		if c.reload.set && r.bundles.settled(c.reload.pass) {
			now.Reload(c.files.List())
			c.reload, c.files = mark{}, process.FileSet{}
			if !r.bundles.settled(c.last) { // commands still run for what changed last
				c.reload.put(c.last)
			}
		}
	case now != nil && next == nil:
		now.Retire()
	case next == nil || !r.childDue():
	case now != nil:
		now.Retire()
	default:
		r.startChild(ctx, *next)
	}
}

// childDue tells whether all has been done that a child is to find.
func (r *Runner) childDue() bool {
	if r.opts.Once {
		return r.finished() && len(r.failures) == 0
	}
	if !r.templates.Rendered() {
		r.child.start = mark{}
		return false
	}
	r.child.start.put(r.bundles.pass)
	return r.bundles.settled(r.child.start.pass)
}

func (r *Runner) startChild(ctx context.Context, c process.Child) {
	destinations := new(process.FileSet)
	for _, t := range r.opts.Templates {
		destinations.Add(t.Destination)
	}
	s := process.NewSupervisor(c, destinations.List(), r.child.spawn, r.opts.Retry, r.events.emit)
	go s.Run(ctx)
	r.child.now.Store(s)
	r.child.start, r.child.reload, r.child.files = mark{}, mark{}, process.FileSet{}
}

// changed notes that files changed, in this pass.
func (c *child) changed(files []string, pass int) {
	if c.now.Load() == nil || len(files) == 0 {
		return
	}
	c.files.Add(files...)
	c.reload.put(pass)
	c.last = max(c.last, pass)
}

// ended is readable when the child is no more.
func (c *child) ended() <-chan struct{} {
	if now := c.now.Load(); now != nil {
		return now.Done()
	}
	return nil
}

// childEnded takes note that the child is no more, and tells whether Run is to
// return with err because of that.
func (r *Runner) childEnded(ctx context.Context) (end bool, err error) {
	s := r.child.now.Swap(nil)
	if ctx.Err() != nil {
		return true, nil // which ended the child, too
	}
	if s.Replaced() {
		return false, nil
	}
	return true, s.Err()
}

// join waits for the end of the child, when it has been asked to end.
func (c *child) join() {
	if now := c.now.Load(); now != nil {
		<-now.Done()
	}
}
