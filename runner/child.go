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
	case next == nil:
	case r.opts.Once && (!r.finished() || len(r.failures) > 0):
	case !r.opts.Once && !r.templates.Rendered():
		c.start = mark{}
	default:
		if !r.opts.Once { // when all has been done that the child is to find
			c.start.put(r.bundles.pass)
			if !r.bundles.settled(c.start.pass) {
				return
			}
		}
		if now != nil {
			now.Retire()
			return
		}
		destinations := new(process.FileSet)
		for _, t := range r.opts.Templates {
			destinations.Add(t.Destination)
		}
		s := process.NewSupervisor(*next, destinations.List(), c.spawn, r.opts.Retry, r.events.emit)
		go s.Run(ctx)
		c.now.Store(s)
		c.start, c.reload, c.files = mark{}, mark{}, process.FileSet{}
	}
}

// ended is readable when the child is no more.
func (c *child) ended() <-chan struct{} {
	if now := c.now.Load(); now != nil {
		return now.Done()
	}
	return nil
}
