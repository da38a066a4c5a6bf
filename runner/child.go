package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/runner/templates"
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
	ran   bool            // one was started

	variables map[string]string // by name; those of templates that are gone, too
	refused   *event.FileError  // why the child cannot have them; nil: it can
}

// Signal passes a signal on to the child, and returns false where there is none. The
// child's ReloadSignal reloads it. Its KillSignal, and SIGTERM, stop it, and Run then
// returns its exit code (COMPAT 4.7). Signal may be called from any goroutine. It does
// not wait.
func (r *Runner) Signal(sig os.Signal) bool {
	s := r.child.now.Load()
	return s != nil && s.Signal(sig)
}

// setVariable takes the result of a template whose output is a variable of the child. A
// child that runs with another value is replaced (see updateChild). An output that
// cannot be a value is refused, with an error where the template may not fail.
func (r *Runner) setVariable(res templates.Result) (refused bool, err error) {
	t, c := r.opts.Templates[res.Template], &r.child
	if res.Output == nil {
		return false, nil
	}
	if c.variables == nil {
		c.variables = make(map[string]string)
	}
	old, known := c.variables[t.Variable]
	value := strings.TrimRight(string(res.Output.Content), "\r\n") // as the shell's $(…) does
	switch {
	case strings.ContainsRune(value, 0):
		err = errZeroByte
	case len(t.Variable)+len("=")+len(value) >= longestVariable:
		err = errTooLong
	}
	change := renderer.Replaced
	if known && value == old { // maybe by another template before
		change = renderer.Unchanged
	}
	if err == nil {
		c.variables[t.Variable] = value
		r.bundles.shared.Registry.SetSecrets(t.Destination, res.Output.Secrets)
	}
	return err != nil, r.use(res.Template, err, change, res.Causes)
}

// use reports that the output of a template is used that has no file, but is a variable or
// a list; with err, that it cannot be. The error is that of a template that may not fail.
func (r *Runner) use(i int, err error, change renderer.Change, causes templates.Causes) error {
	t := r.opts.Templates[i]
	why := r.refused[t.Destination]
	switch {
	case err != nil && t.Fatal:
		return &event.FileError{Template: t.Name, Destination: t.Destination, Err: err}
	case err != nil:
		r.events.emit(event.Failed{Template: t.Name, Destination: t.Destination, Err: err, Again: why == err.Error()})
		r.refused[t.Destination] = err.Error()
		return nil
	case why != "":
		r.events.emit(event.Recovered{Template: t.Name, Destination: t.Destination, Failures: 1})
		delete(r.refused, t.Destination)
	}
	first, list := r.templates.Placed(i), t.ForEach != ""
	if !first && !list && change == renderer.Unchanged {
		return nil
	}
	r.events.emit(event.Rendered{
		Template: t.Name, Destination: t.Destination, Change: change,
		Causes: causes.First, More: causes.More, First: first, List: list,
	})
	r.events.emit(event.Stepping{Bundles: []string{t.Destination}, Step: event.Applied})
	return nil
}

// longestVariable is what Linux takes as a variable with its name and a zero byte, where
// pages have 4 KiB: 32 of them.
const longestVariable = 128 << 10

// Why an output cannot be the value of a variable.
var (
	errZeroByte = errors.New("the value has a zero byte, which no environment variable can have: the program keeps the value before")
	errTooLong  = errors.New("the value has 128 KiB or more, which no environment variable can have: the program keeps the value before")
)

// environmentError returns why a child cannot have its environment, about the largest of
// the variables that templates give it; nil: it can.
func environmentError(list []Template, child *process.Child) *event.FileError {
	templates := make(map[string]Template) // by variable
	for _, t := range list {
		if t.Variable != "" {
			templates[t.Variable] = t
		}
	}
	if child == nil || len(templates) == 0 {
		return nil
	}
	largest, err := process.CheckEnvironment(child.Env, slices.Sorted(maps.Keys(templates)))
	if err == nil {
		return nil
	}
	return &event.FileError{
		Template: templates[largest].Name, Destination: templates[largest].Destination,
		Err: fmt.Errorf("%w: the program keeps the values before; write large ones to files that it reads", err),
	}
}

// wantedChild returns the child with the variables that templates give it, nil: none.
func (r *Runner) wantedChild() *process.Child {
	if r.opts.Child == nil {
		return nil
	}
	c := *r.opts.Child
	for _, t := range r.opts.Templates {
		if t.Variable == "" {
			continue
		}
		if c.Env == nil {
			c.Env = os.Environ()
		}
		c.Env = append(slices.Clip(c.Env), t.Variable+"="+r.child.variables[t.Variable]) // the last of a name counts
	}
	return &c
}

// updateChild starts, reloads, replaces or ends the child, if it is time to. With Once, it
// is an error that the child cannot have its environment.
func (r *Runner) updateChild(ctx context.Context) error {
	c, next := &r.child, r.wantedChild()
	now := c.now.Load()
	if err := environmentError(r.opts.Templates, next); err != nil {
		if r.opts.Once {
			return err
		}
		if c.refused == nil {
			r.events.emit(event.Failed{Template: err.Template, Destination: err.Destination, Err: err.Err})
			c.refused = err
		}
		if now == nil {
			return nil
		}
		next = new(now.Child())
	} else if was := c.refused; was != nil {
		r.events.emit(event.Recovered{Template: was.Template, Destination: was.Destination, Failures: 1})
		c.refused = nil
	}
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
				return nil
			}
		}
		if now != nil {
			now.Retire()
			return nil
		}
		destinations := new(process.FileSet)
		for _, t := range r.opts.Templates {
			if t.Variable == "" && t.ForEach == "" {
				destinations.Add(t.Destination)
			}
		}
		s := process.NewSupervisor(*next, destinations.List(), c.spawn, retry, r.events.emit)
		go s.Run(ctx, c.ran)
		c.ran = true
		c.now.Store(s)
		c.start, c.reload, c.files = 0, 0, process.FileSet{}
	}
	return nil
}
