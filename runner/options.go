package runner

import (
	"io"
	"io/fs"
	"time"

	"restencil/runner/apply"
	"restencil/runner/format"
	"restencil/runner/guard"
	"restencil/runner/journal"
	"restencil/runner/probe"
	"restencil/template"
	"restencil/watch"
)

// Options say what a Runner does. They are plain values; New checks them.
type Options struct {
	// Templates are rendered, and their commands run, in this order.
	Templates []Template

	// Bundles are the named bundles that templates may belong to. Templates
	// that belong to none make implicit ones.
	Bundles []Bundle

	// Journal remembers what was applied, across restarts; and takes the
	// generations of named bundles. The caller opens and closes it. Nil:
	// nothing is remembered. Not used with Once or Dry.
	Journal *journal.Journal

	// Unresolved says that the journal has a change that a crash cut in two,
	// and that could not be made whole: what is left of it beside the
	// destinations may be the only copy, and stays.
	Unresolved bool

	// KeepSecrets has the journal keep files that hold secrets, too.
	KeepSecrets bool

	// SecretPerms is the mode of files whose output used a secret, where the
	// template has no Perm. Zero: that of any file.
	SecretPerms fs.FileMode

	// Reconcile is how often the destinations are looked at, whether somebody
	// else has changed them: they are put right then, and the command does not
	// run for a mode or owner. Zero: only when their template has been executed.
	Reconcile time.Duration

	// ExitOnFailure ends Run when a command of an implicit bundle fails, as
	// consul-template does.
	ExitOnFailure bool

	// StoreDown ends Run when a store has been away for so long. Zero: never.
	StoreDown time.Duration

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

	// Perm, DirPerm, User, Group, NoParents and Backup are as in renderer.File.
	Perm        fs.FileMode
	DirPerm     fs.FileMode
	User, Group string
	NoParents   bool
	Backup      bool

	// Command is run after the destination has changed. The zero Command is none.
	Command Command

	// Wait delays a change of the file until its data has been quiet.
	Wait Wait

	// OnError says what an error of this template does.
	OnError ErrorPolicy

	// Bundle is the named bundle that it belongs to, "" for none. Command and
	// Wait are the bundle's then.
	Bundle string

	// Format and Check are what the content must be, and a command that must
	// succeed on it, before it goes in place. Only in named bundles.
	Format format.Format
	Check  Command

	// Guard is as in Bundle, for this file alone. Only in named bundles.
	Guard guard.Rules
}

// A Bundle is a named one: the files of its templates change together or not at
// all (see package apply).
type Bundle struct {
	Name string

	// Check is a command that must succeed on the staged files; it may hold
	// actions, see package apply.
	Check Command

	// Command is run when the files are in place: it reloads what reads them.
	Command Command

	// Verify must hold after that.
	Verify []probe.Probe

	// Rollback puts the old files back where Command or Verify fails.
	Rollback bool

	// Wait delays a change of the files until the data of all has been quiet.
	// The first rendering does not wait.
	Wait Wait

	// Guard holds a change back that nobody can have meant, until it is taken
	// back or accepted (see [Runner.Accept]).
	Guard guard.Rules

	// MinInterval is the least time from the end of one run of Command to the
	// begin of the next. Changes in between are one change at its end.
	MinInterval time.Duration

	// Retry spaces the attempts at a change that failed. Zero: Options.Retry.
	Retry watch.Backoff

	// ExitOnFailure ends Run where the change fails, as consul-template does.
	ExitOnFailure bool
}

// A Command is a program to run.
type Command = apply.Command

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
