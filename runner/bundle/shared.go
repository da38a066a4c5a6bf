package bundle

import (
	"context"
	"time"

	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/process"
)

// Shared is what the bundles of a runner work with. All fields are required
// unless they say otherwise. Its functions are called from the goroutines of
// all bundles, concurrently.
type Shared struct {
	// Run runs a command and returns the end of what it printed. When the
	// context ends, it ends the command.
	Run func(context.Context, process.Command) (output string, err error)

	// Journal remembers across restarts and crashes. Nil: nothing is.
	Journal *journal.Journal

	// Lane orders the commands of bundles with the policy Each.
	Lane *Lane

	// Registry knows the bundles that there are, and the secrets in their files.
	Registry *Registry

	Events func(event.Event)
	Report func(Report) // to the runner's loop, which always takes it

	// Stdout and Stderr take the files whose destinations lead there; Stdout, too,
	// what Print and the functions for debugging print.
	Stdout, Stderr *Stream

	Once bool // failures end the runner

	// InPlace says why a check cannot see staged files at their destinations
	// (process.Command.Overlay), nil: it can. It is called only where there is a
	// check.
	InPlace func() error

	// Unresolved says that the journal has a change that a crash cut in two,
	// and that could not be made whole: what is left of it beside the
	// destinations may be the only copy, and stays.
	Unresolved bool

	// KeepSecrets has the journal keep files that hold secrets, too.
	KeepSecrets bool

	// Reconcile is how often the destinations are looked at, whether somebody
	// else has changed them. Zero: never by itself.
	Reconcile time.Duration
}

// unusedFor is how long the journal knows a bundle that there is no more.
const unusedFor = 30 * 24 * time.Hour

// ForgetUnused has the journal forget the bundles that have not been there for a
// while. It is called when all bundles are.
func (s *Shared) ForgetUnused() {
	if s.Journal != nil {
		// What cannot be removed does no harm, and is removed at another start.
		_ = s.Journal.Forget(func(key string, noted time.Time) bool {
			return time.Since(noted) > unusedFor && !s.Registry.has(key)
		})
	}
}

// A Report is what a bundle has to tell the runner's loop. Zero fields say
// nothing.
type Report struct {
	Bundle *Bundle

	// Pass is the newest offer of which all is done that can be done now: what is
	// left waits for a time, for other data, or for somebody.
	Pass int

	// Placed are the members whose destination has been right for the first
	// time, by their place in the spec.
	Placed []int

	// Changed are destinations that have new bytes, and that what reads them
	// has been told of if there is a command for that.
	Changed []string

	// Again are members whose templates are to be executed and offered again:
	// somebody has changed their destination.
	Again []int

	// Command is why the command failed, with Once. Fatal is why the runner ends.
	Command, Fatal error
}
