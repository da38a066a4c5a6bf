package apply

import (
	"context"
	"time"

	"restencil/renderer"
	"restencil/runner/format"
	"restencil/runner/journal"
	"restencil/runner/probe"
)

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

// A Change is what a bundle's files are to be.
type Change struct {
	Bundle  string   // its name
	Members []Member // all of them, also those whose files are right already

	// Check is run when all is staged, and again no more. Its arguments and
	// environment may hold actions such as {{ .Staged "nginx.conf" }} and
	// {{ .StagedRoot }}; see Stage.
	Check Command

	// Reload is run when all files are in place, if one of them changed or
	// Owed is set.
	Reload Command
	Owed   bool // a reload is owed from before

	// Verify must hold after that. None: nothing to verify.
	Verify []probe.Probe

	// Rollback puts the old files back where Reload or Verify fails, and
	// reloads again. It is never done where First is set: there is nothing
	// to go back to.
	Rollback bool
	First    bool

	// Desired is the hash of what the members are to hold, for the journal.
	Desired string
}

// A Member is a file of a bundle.
type Member struct {
	Template string // the template's name
	File     renderer.File
	Format   format.Format // what its content must be; "": anything
	Check    Command       // as Change.Check, for this file alone
	Secret   bool          // its content must not be kept, logged or shown
}

// Tools are what Apply works with.
type Tools struct {
	// Run runs a command and returns the end of what it printed. Required.
	Run func(context.Context, Command) (output string, err error)

	// Journal remembers across a crash. Nil: nothing is remembered.
	Journal *journal.Journal

	// Entered is called as each step begins. Nil for none. Tests crash here.
	Entered func(Step)

	// Before is called between the checks and the swap; an error ends the
	// transaction there. Nil for none.
	Before func() error
}

// A Step is a part of the transaction.
type Step string

// The steps, in order.
const (
	Stage    Step = "stage"
	Check    Step = "check"
	Swap     Step = "swap"
	Reload   Step = "reload"
	Verify   Step = "verify"
	Rollback Step = "rollback"
	Applied  Step = "applied" // nothing is left to do
)

// An Outcome is what became of a Change.
type Outcome struct {
	// Step is Applied, or the step that failed: Stage, Check, Swap, Reload or
	// Verify.
	Step   Step
	Err    error  // why; nil where Applied
	Output string // the end of what the command printed that failed

	Files []renderer.Result // by member; what Swap did, and for an unchanged file nothing

	// RolledBack tells that the old files are back; RollbackErr what went
	// wrong on the way, be it a file or the second reload.
	RolledBack  bool
	RollbackErr error
}
