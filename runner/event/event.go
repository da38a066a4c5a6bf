// Package event has a type for each kind of thing that happens in a runner. Logs,
// metrics, status and tests are made from events.
package event

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"time"

	"restencil/renderer"
	"restencil/template"
	"restencil/watch"
)

// An Event is something that happened: a value of one of the other types of this
// package. It holds no value from a store, and no command in it holds a secret, so
// that it may be kept.
type Event any

// Loaded: these are the templates from now on, at the start and after each Reload.
type Loaded struct{ Templates []Output }

// An Output is a template and where its output goes.
type Output struct {
	Template    string // as template.Options.Name
	Destination string
}

// Planned: these are the bundles from now on. It follows Loaded.
type Planned struct {
	Local     string // the data file that stands in for Consul, "": Consul answers
	Bundles   []Bundle
	Childless bool              // there is no child; one that runs is about to end for good
	Elements  map[Output]string // those of for_each, with the name of the bundle that is their list
}

// A Bundle is a named bundle, or the file of a template that belongs to none, which
// has its destination as its name. Several templates may have one destination.
type Bundle struct {
	Name    string
	Named   bool
	Members []Output
	Reload  []string // the words of the command, nil: there is none
	Kept    bool     // a Reload has not changed it
	Rolling bool     // it takes turns with other hosts
	List    bool     // it is no files, but a list of for_each that has elements
}

// Ready: for the first time every template has been rendered, and every command for
// that has been run, be it without success. It is emitted once.
type Ready struct{}

// Alive: the loop of Run goes round (see Options.Heartbeat).
type Alive struct{}

// Rendered: a template's output was complete and its destination is right.
type Rendered struct {
	Template    string // as template.Options.Name
	Destination string
	Change      renderer.Change
	Removed     bool       // there is no file any more
	List        bool       // it is a list of for_each, which is no file
	InPlace     bool       // the destination is a mount point and was written to, not replaced
	Warnings    []error    // what is wrong although the file is in place
	Causes      []watch.ID // the first queries of those whose new answers led to it
	More        int        // how many queries Causes leaves out
	First       bool       // since the start
	Drifted     bool       // somebody else had changed the destination, and it was put right
}

// Waiting: a template has had no complete output for a while. It is repeated.
type Waiting struct {
	Template    string
	Destination string
	For         []Missing
	More        int  // how many queries For leaves out
	Rendered    bool // the destination has been rendered, and stays; a restart would wait
}

// Missing is a query that a template cannot do without.
type Missing struct {
	Query  watch.Query
	At     template.Position // where the template asks it first; its Line is 0 where unknown
	Since  time.Time
	Reason string // why there is no answer, in plain words
	Gone   bool   // there was one
}

// Exposed: a destination that holds secrets can be read by every user. It is emitted
// once for each.
type Exposed struct {
	Template    string
	Destination string
	Mode        fs.FileMode // permission bits
}

// Failed: a template could not be executed or its file not be written.
type Failed struct {
	Template    string
	Destination string
	Step        Step // of writing the file, "": the execution failed
	Err         error
	Attempt     int           // in a row, from 1; 0: it is not tried again
	RetryIn     time.Duration // 0: it is not tried again
	Again       bool          // with the error of the last attempt
}

// A FileError says which file could not be put in place.
type FileError struct {
	Template       string
	Destination    string
	Err            error
	ConsulTemplate bool // Error words it as consul-template does (COMPAT, appendix B)
}

func (e *FileError) Error() string {
	if e.ConsulTemplate {
		return fmt.Sprintf("error rendering %q => %q: %v", e.Template, e.Destination, e.Err)
	}
	return fmt.Sprintf("%s: %v", cmp.Or(e.Destination, e.Template), e.Err)
}

// Unwrap returns why.
func (e *FileError) Unwrap() error { return e.Err }

// Recovered: a template or bundle that had failed is right again, or a template that
// was reported as waiting no longer waits.
type Recovered struct {
	Template    string // "": a bundle's
	Destination string
	Bundle      string // "": no bundle is named
	Failures    int    // since it was right last, 0: it only waited
}

// Executed: a template was executed.
type Executed struct {
	Template    string
	Destination string
	Took        time.Duration
	Used        []watch.ID // the queries that it uses; nobody changes the slice
	Missing     []watch.ID // those without a usable answer; nobody changes the slice
	Gone        []watch.ID // those whose last value was used, since there is none any more
	Waits       Waits
	Causes      []watch.ID // as in Rendered
	More        int        // as in Rendered
	Err         error      // Failed may follow
}

// Waits says since when a template misses something. Zero: it misses nothing.
type Waits struct {
	Since time.Time
	Later map[watch.ID]time.Time // since when those that were not missed from Since on; nobody changes the map
}

// Of returns since when a query is missed, which is one of those that are missing or gone.
func (w Waits) Of(id watch.ID) time.Time { return cmp.Or(w.Later[id], w.Since) }

// Settling: a change of a bundle waits until its data is quiet.
type Settling struct {
	Bundle string
	Until  time.Time // zero: the change has been taken back
}

// WaitsForTurn: a bundle waits until other hosts of its fleet have made their change.
type WaitsForTurn struct {
	Bundle   string
	Rolling  string        // which hosts, and how many at a time
	Holders  string        // those whose turn it is, with commas between them; "": not known
	Over     bool          // it does not wait any more
	Has      bool          // since it is its turn, until the next such event
	TimedOut bool          // it has waited as long as it may
	Proceeds bool          // and does not wait on
	Err      error         // why the turn could not be asked for, or the fleet not be stopped
	RetryIn  time.Duration // when it is asked for again
}

// Stepping: changes of bundles enter a step; the steps before have succeeded. The
// first step is Stage, and the last Applied where no command is to be run. Else the
// change ends with BundleApplied, CommandDone or a failure.
type Stepping struct {
	Bundles []string
	Step    Step
	Back    bool // somebody has asked for it, to roll back
}

// Slow: a template is still being executed. It is repeated.
type Slow struct {
	Template    string
	Destination string
	Since       time.Time
}

// CommandStarted: a command is being run because of the files that changed.
type CommandStarted struct {
	Args  []string
	Files []string // destinations
}

// CommandDone: a command succeeded.
type CommandDone struct {
	Args     []string
	Files    []string // destinations
	Took     time.Duration
	Failures int // since it succeeded last
}

// CommandEnded: a command, check or probe has ended, whoever ran it.
type CommandEnded struct {
	Args []string
	Took time.Duration
	Err  error // nil: it succeeded
}

// CommandFailed: a command could not be started, took too long, or failed.
type CommandFailed struct {
	Args    []string
	Files   []string // destinations
	Err     error
	Output  string        // the end of what it printed
	Attempt int           // in a row, from 1
	RetryIn time.Duration // 0: it is not tried again
}

// BundleApplied: the files of a named bundle are in place, loaded and verified.
type BundleApplied struct {
	Bundle     string
	Files      []string // the destinations that changed
	Took       time.Duration
	Generation int // of the files in the journal, 0: it keeps none
}

// BundleFailed: a change of a named bundle was not made, or not to its end.
type BundleFailed struct {
	Bundle      string
	Step        Step // which failed
	Err         error
	Output      string        // the end of what its command printed
	RolledBack  bool          // the old files are back
	RollbackErr error         // from putting them back and loading them
	Attempt     int           // in a row, from 1; 0: somebody asked for it
	RetryIn     time.Duration // 0: it is not tried again
	Held        bool          // it has failed often enough, and is held
	Kept        string        // the directory where the rejected files are kept, "": nowhere
}

// Files says what became of the files.
func (e BundleFailed) Files() string {
	text := "the files stay as they are"
	switch {
	case e.RollbackErr != nil:
		text = fmt.Sprintf("going back to the old files failed, too: %v", e.RollbackErr)
	case e.RolledBack:
		text = "the old files are back"
	case e.Step == Reload || e.Step == Verify:
		text = "the new files stay"
	}
	if e.Kept != "" {
		text += "; the rejected files are in " + e.Kept
	}
	return text
}

// BundleHeld: a change of a named bundle is not made, unless it is taken back
// or accepted (see [Runner.Accept]).
type BundleHeld struct {
	Bundle   string
	Reason   string
	Rejected bool // by a check or probe, which accept does not overrule: it has it tried at once
	Reported bool // as BundleFailed
}

// BundleReleased: a bundle that was held no longer is.
type BundleReleased struct {
	Bundle string
	Failed bool // it was held since it had failed
}

// Unstable: a template's output changes without new data, as that of timestamp does.
// What is in place stays. It is emitted once, until there is new data.
type Unstable struct {
	Template    string
	Destination string
	Difference  string // where the outputs begin to differ; without the lines, where they may hold a secret
}

// Reloaded: the configuration was read again. With Err it cannot be used, and the one
// before stays in use. What reads the configuration emits it, not the runner.
type Reloaded struct{ Err error }

// JournalFailed: the journal could not be read or written, so that after a crash
// commands may run again. It is emitted once for each different reason.
type JournalFailed struct{ Err error }

// JournalRecovered: the journal of a bundle can be read and written again.
type JournalRecovered struct{}

// ChildStarted: the child was started.
type ChildStarted struct {
	Args    []string
	Process int    // its id
	Reason  string // "start", "change" of files, or "retry" after it ended by itself
}

// ChildReloaded: the child was sent its reload signal, for files or passed on.
type ChildReloaded struct {
	Args   []string
	Signal os.Signal
}

// ChildEnding: the child was sent the signal to end.
type ChildEnding struct {
	Args   []string
	Signal os.Signal
	Reason string // "change" of files, "signal" that was passed on, or "stop"
}

// ChildKilled: the child, or some of its group, did not end in time and is killed.
type ChildKilled struct {
	Args  []string
	After time.Duration
}

// ChildEnded: the child has ended, with all of its group, or could not be started
// again. It is not emitted for a restart because of files.
type ChildEnded struct {
	Args    []string
	Code    int           // as in ChildExit
	Signal  string        // as in ChildExit
	Err     error         // why it could not be started
	Attempt int           // how often in a row it has ended by itself
	RetryIn time.Duration // 0: it is not started again
}

// Exit says how the child has ended.
func (e ChildEnded) Exit() string {
	switch {
	case e.Err != nil:
		return e.Err.Error()
	case e.Signal != "":
		return "signal: " + e.Signal
	}
	return fmt.Sprintf("exit status %d", e.Code)
}

// StoreAway: a store, or a part of it such as a datacenter, cannot be reached or
// answers with errors. The last good answers and files stay.
type StoreAway struct {
	Store watch.Store
	Part  string // "": the store; else as in "datacenter dc2"
	Err   error
}

// StoreBack: a store that was away answers, or a part of it answers all queries.
type StoreBack struct {
	Store   watch.Store
	Part    string // as in StoreAway
	Away    time.Duration
	Unasked bool // it is not known whether it answers: no query asks it any more
}

// Watched: these queries are watched from now on, or no longer.
type Watched struct{ Added, Dropped []watch.ID }

// Updated: queries have new answers or failures. Other events may follow for them.
type Updated struct{ Updates []Update }

// An Update is what is new about a query, without the answer.
type Update struct {
	Query   watch.ID
	Version int            // how many different answers there have been
	Index   uint64         // of the answer, in its store; 0: it has none
	Failure *watch.Failure // why there is no newer one, nil: there is
	Time    time.Time      // when the answer was received, zero: there is none
	Size    int            // of the answer: bytes of a text, or how many there are of a list
	Ends    time.Time      // of a certificate: when it ends; zero: it is none
}

// QueryFailing: a query fails and is tried again, while its store answers others.
type QueryFailing struct {
	Query watch.Query
	Err   error
	More  int // how many others fail that are not named
}

// QueryAnswered: a query has an answer after QueryFailing.
type QueryAnswered struct{ Query watch.Query }

// QueryRefused: a store refuses this query (see watch.Class). It is emitted once for
// each different reason.
type QueryRefused struct {
	Query watch.Query
	Err   error
}

// A Step is a part of a bundle's transaction.
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
