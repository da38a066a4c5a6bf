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

	// Hide has what it prints passed on line by line, as Hide returns it. Nil:
	// as it comes. Checks and probes have it set.
	Hide func(string) string
}

// A Change is what a bundle's files are to be.
type Change struct {
	Bundle  string   // its name
	Members []Member // all of them, also those whose files are right already

	// Check must succeed when all is staged, before anything is swapped. It is
	// not run where no file has new bytes. Its arguments may hold actions such
	// as {{ .Staged "nginx.conf" }}; see the package comment. Here a zero
	// Timeout is 30 s.
	Check Command

	// Reload is run when all files are in place, if one of them changed or
	// Owed is set.
	Reload Command
	Owed   bool // a reload is owed from before

	// ReloadEnv returns the environment of Reload, given the destinations that
	// have new bytes. Nil: it is Reload.Env.
	ReloadEnv func(changed []string) []string

	// Verify must hold after that, all at the same time. The commands among
	// them have the environment of Reload. None: nothing to verify.
	Verify []probe.Probe

	// Rollback puts the old files back where Reload or Verify fails, and
	// reloads again. It is never done where First is set (there is nothing to
	// go back to), nor where no file was replaced or the context has ended.
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
	Tainted  bool          // it was made of a secret: messages must not quote it
	Secret   bool          // its content must not be kept
}

// Tools are what Apply works with.
type Tools struct {
	// Run runs a command and returns the end of what it printed. It may be
	// called concurrently, for several probes. Required.
	Run func(context.Context, Command) (output string, err error)

	// Hide takes out of what a check or a probe prints what nobody is to see
	// (see Command.Hide). Nil: there is nothing.
	Hide func(string) string

	// Journal remembers across a crash. Nil: nothing is remembered. Where it
	// fails, the change goes on, with a warning.
	Journal *journal.Journal

	// Entered is called as each step begins; one with nothing to do is left
	// out. Nil for none. Tests crash here.
	Entered func(Step)

	// Before is called between the checks and the swap, also where all files
	// are right already. It tells whether it has changed something that the
	// program is to read. An error ends the transaction there, as one of Swap.
	// Nil for none.
	Before func() (changed bool, err error)
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

	// RolledBack tells that the old files are back after a Reload or Verify
	// that failed. (After a Swap that failed they always are, unless
	// RollbackErr is set.) RollbackErr is what went wrong on the way, be it a
	// file or the second reload; the reload is owed then still.
	RolledBack  bool
	RollbackErr error

	// Warnings are what went wrong without holding up the change: a journal
	// that could not be written.
	Warnings []error
}
