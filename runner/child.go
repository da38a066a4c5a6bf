package runner

import (
	"cmp"
	"context"
	"os"
	"reflect"
	"sync/atomic"

	"restencil/runner/process"
)

// A child is the state of the program that is run beside the templates.
type child struct {
	spawn func(args, env []string) (process.Process, error)
	now   atomic.Pointer[process.Supervisor] // nil: there is none. Signal reads it, too

	// Passes; zero: there is none.
	start  int // it is started when the bundles are done with this one
	reload int // it is reloaded when the bundles are done with this one
	last   int // the last that changed a file

	files process.FileSet // because of which it is reloaded
}

// Signal passes a signal on to the child, and returns false where there is none. The
// child's ReloadSignal reloads it. Its KillSignal, and SIGTERM, stop it, and Run then
// returns its exit code (COMPAT 4.7). Signal may be called from any goroutine. It does
// not wait.
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
		if c.reload > 0 && r.bundles.settled(c.reload) {
			now.Reload(c.files.List())
			c.reload, c.files = 0, process.FileSet{}
			if !r.bundles.settled(c.last) { // commands still run for what changed last
				c.reload = c.last
			}
		}
	case now != nil && next == nil:
		now.Retire()
	case next == nil:
	case r.opts.Once && (!r.finished() || len(r.failures) > 0):
	case !r.opts.Once && !r.templates.Rendered():
		c.start = 0
	default:
		if !r.opts.Once { // when the bundles are done
			c.start = cmp.Or(c.start, r.bundles.pass)
			if !r.bundles.settled(c.start) {
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
		s := process.NewSupervisor(*next, destinations.List(), c.spawn, retry, r.events.emit)
		go s.Run(ctx)
		c.now.Store(s)
		c.start, c.reload, c.files = 0, 0, process.FileSet{}
	}
}
