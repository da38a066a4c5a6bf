package runner

import (
	"io"
	"io/fs"
	"time"

	"restencil/template"
	"restencil/watch"
)

// Options say what a Runner does. They are plain values; New checks them.
type Options struct {
	// Templates are rendered, and their commands run, in this order.
	Templates []Template

	// Once ends Run when every template has been rendered and every command
	// has run. Errors that would be retried then end it too.
	Once bool

	// Dry writes what would be written to Stdout instead, in the form of
	// COMPAT 1.7, and runs no commands.
	Dry bool

	// Child is run beside the templates. Nil for none. With Once, Run ends
	// when it does.
	Child *Child

	// Attempts bounds how often a failed query of a store is tried again;
	// when that has failed too, Run ends with its error. A store that is not
	// named, or 0, has no bound; below 0 the first failure ends Run.
	Attempts map[watch.Store]int

	// Retry spaces the attempts at a command, a file or a template that
	// fails. A zero Base means 1 s, a zero Max 1 min. Not used with Once.
	Retry watch.Backoff

	// LookupEnv is what the function env reads. Nil for os.LookupEnv.
	LookupEnv func(string) (string, bool)

	// Stdout takes what Dry and the spew functions print, and with Stderr
	// what commands print. Nil for none.
	Stdout, Stderr io.Writer

	// Events is called with each event, one at a time, from the goroutine of
	// Run. It must return at once. Nil for none.
	Events func(Event)

	// Heartbeat is how often an Alive event is told, which a watchdog takes
	// as the proof that the loop of Run is not stuck. Zero: never.
	Heartbeat time.Duration
}

// A Template is a template, where its output goes, and what is run then.
type Template struct {
	template.Options

	// Destination is the file to write. Required, but for a dry run.
	Destination string

	// Perm, User, Group, NoParents and Backup are as in renderer.File.
	Perm        fs.FileMode
	User, Group string
	NoParents   bool
	Backup      bool

	// Command is run after the destination has changed. The zero Command is none.
	Command Command

	// Wait delays a change of the file until its data has been quiet.
	Wait Wait

	// OnError says what an error of this template does.
	OnError ErrorPolicy
}

// A Command is a program to run.
type Command struct {
	// Args is the program and its arguments. A single element of several
	// words goes to the shell, "sh -c" (COMPAT 4.6.1). Empty: no command.
	Args []string

	// Timeout is how long it may take; then its process group is killed and
	// the command counts as failed. Zero: it is started and left alone, and
	// its exit status is not looked at (COMPAT 2.5.5).
	Timeout time.Duration

	// Env is its whole environment, as os.Environ has it. Nil for the
	// process's own.
	Env []string
}

// Wait is a quiescence: a change waits until there has been no other for Min,
// but no longer than Max after the first. The zero Wait does not wait.
type Wait struct {
	Min, Max time.Duration
}

// An ErrorPolicy says what an error of a template does to the process.
type ErrorPolicy int

const (
	// ErrorDefault: the template keeps its last output and is tried again;
	// with Once, Run ends with the error.
	ErrorDefault ErrorPolicy = iota
	// ErrorFatal: Run ends with the error, with Once or without.
	ErrorFatal
	// ErrorTolerated: Run goes on, with Once too (which then waits for the
	// template to come right).
	ErrorTolerated
)
