package status

import (
	"time"

	"restencil/watch"
)

// A Status is the state of a runner at one time. It is a copy: nobody changes it.
type Status struct {
	Time     time.Time `json:"time"`
	Began    time.Time `json:"began"`    // when the runner did
	Well     bool      `json:"well"`     // nothing is wrong
	Ready    bool      `json:"ready"`    // every template has been rendered and every command been run, at some time
	Problems []Problem `json:"problems"` // what is wrong, the worst first
	Bundles  []Bundle  `json:"bundles"`  // in the order of the configuration
	Queries  []Query   `json:"queries"`  // by store and name
	Stores   []Store   `json:"stores"`   // by name
	Leases   []Lease   `json:"leases"`   // that which ends first, first
	Child    *Child    `json:"child,omitempty"`
	Changes  []Change  `json:"changes"` // the newest first

	Directory string `json:"directory,omitempty"` // that relative destinations are in
}

// A State is what a bundle is doing.
type State string

// The states.
const (
	Waiting    State = "waiting"     // a template lacks data
	Settling   State = "settling"    // a change waits until its data is quiet, or for other hosts
	Changing   State = "changing"    // a change is under way: see Bundle.Step
	Applied    State = "applied"     // the files are in place, and what reads them was reloaded and is well
	Failed     State = "failed"      // a template, a step or a command has failed, and is tried again
	RolledBack State = "rolled back" // a change has failed and the old files are back; it is tried again
	Held       State = "held"        // a change is not made until other data comes or somebody accepts it
)

// A Bundle is files that change together: a named bundle, or the file of a
// template that belongs to none, which its destination names.
type Bundle struct {
	Name    string    `json:"name"`
	Named   bool      `json:"named"`
	State   State     `json:"state"`
	Since   time.Time `json:"since"`
	Applied time.Time `json:"applied,omitzero"` // when it was last
	Why     string    `json:"why,omitempty"`
	Progress
	Reload []string `json:"reload,omitempty"` // the words of the command
	Files  int      `json:"files"`            // how many it has: a list of for_each has none, and what was removed is none

	Templates []Template `json:"templates"`
	Last      *Change    `json:"last_change,omitempty"` // the newest that has ended, or is under way

	Stuck bool `json:"-"` // it cannot ask for its turn
}

// A Progress is how far a change of a bundle has come, and what comes next.
type Progress struct {
	Step    string    `json:"step,omitempty"`   // which is under way, or failed: execute, stage, check, swap, reload, verify or rollback
	Output  string    `json:"output,omitempty"` // the end of what the command printed that failed, masked
	Attempt int       `json:"attempt,omitempty"`
	NextAt  time.Time `json:"next_at,omitzero"`   // when something is done by itself: the next attempt, or the end of the settling
	Turn    string    `json:"turn,omitempty"`     // with rolling: own, waiting (it is that of other hosts) or none (there is no change)
	Accept  bool      `json:"accept,omitempty"`   // restencil accept makes the change, or tries it at once
	Kept    string    `json:"rejected,omitempty"` // the directory of the files that were rejected
}

// A Template is a template with its file.
type Template struct {
	Name        string    `json:"template"`
	Destination string    `json:"destination"`
	Executed    time.Time `json:"executed,omitzero"` // when it was last
	Took        float64   `json:"took_seconds"`      // that execution
	Rendered    time.Time `json:"rendered,omitzero"` // when its file was last put in place, or found right
	Cause       Cause     `json:"cause,omitzero"`    // of that
	Since       time.Time `json:"since,omitzero"`    // when it began to wait, to fail or, with neither, to be executed, where that takes long
	Lacks
	Error    string    `json:"error,omitempty"`
	Attempt  int       `json:"attempt,omitempty"`
	NextAt   time.Time `json:"next_at,omitzero"`   // the next attempt
	Warnings []string  `json:"warnings,omitempty"` // what is doubtful about the file
	Queries  []string  `json:"queries"`            // that it uses, in order
}

// Lacks are what a template cannot do without and does not have.
type Lacks struct {
	Waits     []Missing `json:"waits,omitempty"` // for what it waits, the first few
	More      int       `json:"more_waits,omitempty"`
	Gone      []string  `json:"gone,omitempty"`       // queries that have no answer any more, whose last one is used
	WouldWait []Missing `json:"would_wait,omitempty"` // the first few of these
}

// A Missing is a query that a template cannot do without.
type Missing struct {
	Query  string    `json:"query"`
	Name   string    `json:"name"` // of the query, in plain words
	At     string    `json:"at,omitempty"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
	Fails  bool      `json:"fails,omitempty"` // there is no answer; else there is one, that there is no such thing
}

// A Cause is why something was rendered or changed.
type Cause struct {
	Reason  string   `json:"reason,omitempty"`  // "data", "start", "drift" (somebody had changed the file), "list" (of for_each), "rollback" (somebody asked for it) or "other" (the configuration, or another attempt)
	Queries []string `json:"queries,omitempty"` // the first of those whose new answers led to it
	Names   []string `json:"names,omitempty"`   // of these, in plain words
	More    int      `json:"more_queries,omitempty"`
}

// A Query is a question to a store.
type Query struct {
	Query     string    `json:"query"`
	Name      string    `json:"name"` // in plain words
	Store     string    `json:"store"`
	Part      string    `json:"part,omitempty"`     // of the store, such as a datacenter
	State     string    `json:"state"`              // "current", "failing", or "unanswered": there is no answer yet
	Kept      string    `json:"kept,omitempty"`     // how it is kept current, in plain words
	Answered  time.Time `json:"answered,omitzero"`  // when the newest answer came
	Answers   int       `json:"answers"`            // how many different ones there have been
	Index     uint64    `json:"index,omitempty"`    // of the answer, in its store
	Size      int       `json:"size"`               // bytes of a text, or how many there are of a list; 0: there is no such thing
	Error     string    `json:"error,omitempty"`    // of the newest attempt or, while there is none, of the last failure
	Failing   time.Time `json:"failing,omitzero"`   // since when
	Attempts  int       `json:"attempts,omitempty"` // that have failed in a row
	Templates []string  `json:"templates"`          // the destinations of those that use it
}

// A Store is what answers queries.
type Store struct {
	Name    string    `json:"name"`
	State   string    `json:"state"`          // "answering", "away", or "unknown": nothing has been asked yet
	Since   time.Time `json:"since,omitzero"` // of "away"
	Error   string    `json:"error,omitempty"`
	Parts   []Part    `json:"parts,omitempty"` // parts of it that are away
	Queries int       `json:"queries"`
	Failing int       `json:"failing"` // queries
	watch.Counts
}

// A Part is a part of a store, such as a datacenter.
type Part struct {
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
	Error string    `json:"error"`
}

// A Lease is how long a secret or certificate is good.
type Lease struct {
	Query string    `json:"query"`            // "": the token
	Name  string    `json:"name"`             // in plain words
	Ends  time.Time `json:"ends"`             // when it is good no more
	Next  time.Time `json:"next_at,omitzero"` // when it is renewed or replaced, as far as is known
	Renew bool      `json:"renew,omitempty"`  // it is renewed then
	Error string    `json:"error,omitempty"`  // why that has failed last
}

// A Child is the program that runs beside the templates.
type Child struct {
	Command []string  `json:"command"`
	State   string    `json:"state"` // "running", "ending", or "ended"
	Since   time.Time `json:"since"`
	Process int       `json:"pid,omitempty"`
	Why     string    `json:"why,omitempty"` // it ended, with its exit status
	NextAt  time.Time `json:"next_at,omitzero"`
}

// A Change is a change of a bundle.
type Change struct {
	Number     int       `json:"number"` // 1 and up, since the runner began
	Bundle     string    `json:"bundle"`
	Cause      Cause     `json:"cause"`
	Outcome    string    `json:"outcome"`              // "applied", "failed", "rolled back", "replaced" by a newer one; "": it is under way
	Generation int       `json:"generation,omitempty"` // as in restencil history
	Error      string    `json:"error,omitempty"`
	Files      []string  `json:"files,omitempty"` // those that changed
	Began      time.Time `json:"began"`           // when the first of its answers was seen, else its first step
	Took       float64   `json:"took_seconds"`    // from then to its end
	Steps      []Step    `json:"steps"`
}

// A Step is one of a change: seen (the answer of the store), execute, stage,
// check, swap, reload, verify, rollback. Of execute, At is the end.
type Step struct {
	Name string    `json:"step"`
	At   time.Time `json:"at"` // when it began
	Took float64   `json:"took_seconds"`
}

// A Problem is something that is wrong.
type Problem struct {
	Bundle string    `json:"bundle,omitempty"` // of which; "": a store's or the child's
	Line   string    `json:"line"`             // what is wrong, with what, and why
	Do     string    `json:"do"`               // what restencil does about it, and what to do
	Since  time.Time `json:"since"`
}
