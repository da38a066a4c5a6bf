// Package funcs holds every function that a template can call: those that ask a
// store in a file by store, and those of package pure.
//
// The functions of one template are made once, by [Map], around an [Env] of
// that template; executing it again makes nothing anew. They do no I/O of
// their own but for what their purpose is (env reads the environment, plugin
// runs a program): what they ask of a store, and what they would change in the
// world, goes to the [Execution].
package funcs

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"text/template"
	"time"

	"restencil/watch"
)

// An Env is what the functions of one template stand on. The template owns it
// and executes one at a time, so the functions need no lock. The fields are
// set before Map, but for Template.
type Env struct {
	// LookupEnv reads an environment variable: the overlay of COMPAT 4.6.2
	// first, then the process's. Required.
	LookupEnv func(name string) (value string, ok bool)

	// Template is the template itself, for executeTemplate. It is set after
	// parsing, which needs the functions.
	Template *template.Template

	// CertFiles are the files that keep the certificate that pkiCert gets: none
	// where nothing keeps it.
	CertFiles []string

	// Denylist holds patterns of functions that may not be called, with *
	// for any run of characters (COMPAT 3.13).
	Denylist []string

	// Sandbox is the directory that file may read from; "" for no limit.
	Sandbox string

	// MaxTime is how long an execution may take; 0 for a minute.
	MaxTime time.Duration

	// Of the execution under way.
	execution Execution
	ctx       context.Context
	deadline  time.Time
	waits     context.Context // see wait; nil: nothing has waited
	cancel    context.CancelFunc
	scratch   *Scratch
	loops     sync.WaitGroup // the counters of loop
	depth     int            // of executeTemplate
}

// Begin starts an execution, which is to end when ctx does, or after MaxTime.
func (e *Env) Begin(ctx context.Context, x Execution) {
	e.execution, e.ctx, e.scratch = x, ctx, new(Scratch)
	e.deadline = time.Now().Add(cmp.Or(e.MaxTime, time.Minute))
}

// Err returns why the execution is to end, nil where it may go on.
func (e *Env) Err() error {
	switch {
	case e.ctx.Err() != nil:
		return context.Cause(e.ctx)
	case time.Now().After(e.deadline):
		return e.late()
	}
	return nil
}

func (e *Env) late() error {
	return fmt.Errorf("it took longer than %v", cmp.Or(e.MaxTime, time.Minute))
}

// wait returns the context of what functions wait for, which ends with the
// execution. Few do wait, and a context with a timer takes as long to make as a
// small template to execute.
func (e *Env) wait() context.Context {
	if e.waits == nil {
		e.waits, e.cancel = context.WithDeadlineCause(e.ctx, e.deadline, e.late())
	}
	return e.waits
}

// Finish ends what an execution has left behind, such as a loop that was broken
// off. It follows each Begin, also where the execution failed.
func (e *Env) Finish() {
	if e.waits != nil {
		e.cancel()
		e.waits = nil
	}
	e.loops.Wait()
}

// An Execution is one execution of a template. It answers the queries of the
// functions, and takes note of them and of what the functions want done: unless
// the output is used, nothing is.
type Execution interface {
	// Ask notes that the template uses q, and returns its answer; known is
	// false where there is none yet, and then the template counts as
	// incomplete. The error says that the query's store is not configured.
	Ask(q watch.Query) (answer watch.Answer, known bool, err error)

	// Incomplete notes that the present answer of q will not do (as for a
	// key that does not exist), so that the output must not be used.
	Incomplete(q watch.Query)

	// Gone notes that what q asks for does not exist any more, and that its last
	// value is used.
	Gone(q watch.Query)

	// Print gives text to the program's standard output (spew_dump).
	Print(text string)

	// WriteFile asks for a file once the execution is complete (writeToFile).
	WriteFile(File)

	// Once returns what run returned the first time that it was called with
	// this key, since the template was last rendered (plugin).
	Once(key string, run func() (string, error)) (string, error)
}
