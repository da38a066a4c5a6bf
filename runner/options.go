package runner

import (
	"io"
	"time"

	"restencil/runner/bundle"
	"restencil/runner/bundle/group"
	"restencil/runner/diff"
	"restencil/runner/event"
	"restencil/runner/layout"
	"restencil/runner/process"
	"restencil/watch"
	"restencil/watch/schedule"
)

// Options say what a Runner does. New checks them.
type Options struct {
	// Templates are rendered, and their commands run, in this order.
	Templates []Template

	// Bundles are the named bundles that templates may belong to. Templates
	// that belong to none make implicit ones.
	Bundles []Bundle

	// State is that of the bundles. Its journal is not used with Once or Dry. With Plan it
	// is only read, for the files that were made for elements.
	State State

	// ExitOnFailure ends Run when a command of an implicit bundle fails, as
	// consul-template does.
	ExitOnFailure bool

	Limits Limits

	// Once ends Run when every template has been rendered and every command
	// has run. Errors that would be retried then end it too.
	Once bool

	Preview

	// Child is run beside the templates. Nil for none. With Once, Run ends
	// when it does.
	Child *Child

	// LookupEnv is what the function env reads. Nil for os.LookupEnv.
	LookupEnv func(string) (string, bool)

	Streams

	// Warn is called with what is deprecated in a template. It may be nil.
	Warn func(error)

	// Events is called with each event, one at a time, from several
	// goroutines. It must return at once. It may be nil.
	Events func(event.Event)

	// System runs commands and the child. Nil: a process.Executor that prints
	// to Stdout and Stderr.
	System process.System

	Words

	// Heartbeat is how often an Alive event is emitted, from which a watchdog sees
	// that the loop of Run is not stuck. Zero: never.
	Heartbeat time.Duration
}

// Preview has nothing put in place.
type Preview struct {
	// Dry writes outputs to Stdout, in the form of COMPAT 1.7, in place of files, and
	// runs no commands.
	Dry bool

	// Plan is called with what would change on disk and what would run, in order, and
	// with the error of files that cannot be compared. Nothing is changed or run, not
	// even what Dry does. With Once it is called when every template has been rendered,
	// else with what has been rendered so far. It returns in how long it is to be called
	// again; zero ends Run, with that error. Nil: files are put in place.
	Plan func([]diff.Plan, error) (again time.Duration)
}

// Words say how events and errors are worded.
type Words struct {
	// Local is the data file that stands in for Consul, which events and errors
	// name in its place. Empty: Consul itself answers.
	Local string

	// ConsulTemplate words the error of a command as consul-template does (COMPAT
	// 4.6.3).
	ConsulTemplate bool
}

// Streams take what a Runner and its commands print. Nil for none.
type Streams struct {
	// Stdout takes what Dry and the spew functions print, and with Stderr
	// what commands print.
	Stdout, Stderr io.Writer

	// CommandOutput is called with each line that a command prints, unless Run does
	// not wait for the command, in place of Stdout and Stderr; and with each that the
	// child prints to standard error. It is called by several goroutines, one at a
	// time. It may be nil.
	CommandOutput func(args []string, line string)
}

// retry delays the next attempt of a template, of a bundle by default, and of the child.
var retry = schedule.Backoff{Base: time.Second, Max: time.Minute}

// Limits say when Run ends with an error.
type Limits struct {
	// Attempts bounds how often a failed query of a store is tried again. Zero: no
	// bound; below 0 the first failure ends Run.
	Attempts map[watch.Store]int

	// StoreDown ends Run when a store has been away for so long. Zero: never.
	StoreDown time.Duration

	// OnceTimeout ends Run where, with Once, not all is done within this time. The
	// error names what is missing. Zero: never.
	OnceTimeout time.Duration
}

// Types of other packages that Options are made of.
type (
	Template = layout.Template
	Bundle   = group.Spec // of a named bundle; New sets its Policy and Members
	Member   = group.Member
	Command  = process.Command
	Child    = process.Child
	Wait     = group.Wait
	State    = bundle.State
)

// What an error of a template does.
const (
	ErrorFatal     = layout.ErrorFatal
	ErrorTolerated = layout.ErrorTolerated
)
