package group

import (
	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/journal/history"
	"restencil/runner/process"
	"restencil/template"
)

// A Target is what the files of a group are to hold. It is a value: what is
// offered later does not change it.
type Target struct {
	Name   string // what people call the group
	Hash   string
	Wants  []Want         // one for each file, in order
	Reason process.Reason // why the command is run for it

	// Back: somebody rolls back to it. It is tried once, and the newest change is
	// not made.
	Back bool

	group  *Group
	before journal.Verdict // with Back
}

// A Want is what a file is to hold.
type Want struct {
	File   *File
	Output *template.Result
	Place  renderer.File // what the destination is to be
}

// Shown notes that the content has been written to the stream that the
// destination leads to, which nobody can take back.
func (w Want) Shown() { w.File.shown = w.Output.Sum.Content }

// An Outcome is what became of a change.
type Outcome struct {
	Results []Result // one for each file, in order

	Step   event.Step // the one that failed
	Err    error      // why; nil: none did
	Output string     // the end of what the command printed that failed
	Kept   string     // the directory where the rejected files are kept, "": nowhere

	RolledBack  bool  // the old files are back
	RollbackErr error // what went wrong on the way back
}

// A Result is what became of a file.
type Result struct {
	renderer.Result
	Replaced bool // it, or one that its template writes besides, has new bytes
}

// Rejected tells whether the change itself was found bad, by a check or probe.
func (o Outcome) Rejected() bool { return o.Step == event.Check || o.Step == event.Verify }

// Reason says why the change failed.
func (o Outcome) Reason() string { return string(o.Step) + " failed: " + o.Err.Error() }

// placed tells whether the new files are in place, whether all went well or not.
func (o Outcome) placed() bool {
	return o.Err == nil || (o.Step == event.Reload || o.Step == event.Verify) && !o.RolledBack
}

// Generation returns the files of t as the journal keeps them: of those with
// secrets the content only where keepSecrets says so.
func (t Target) Generation(keepSecrets bool) []history.File {
	var files []history.File
	for _, w := range t.Wants {
		if w.File.Shadowed {
			continue
		}
		files = append(files, history.File{
			Path: Path(w.Place.Path), Content: w.Place.Content,
			Perm: w.Place.Perm, User: w.Place.User, Group: w.Place.Group,
			Secret: w.Output.Secret && !keepSecrets,
		})
	}
	return files
}
