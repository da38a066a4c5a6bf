// Package transaction puts files in place: each change of several files all or
// none. They are staged, checked and swapped, and the old files can be put back.
// Where a step before the swap fails, nothing at the destinations has changed, not
// even an inode. Package bundle decides when, and keeps what happened.
//
// # Checks
//
// First each new file must have its format, then each must pass its own check,
// in order, and then all together the change's. On Linux a check sees the new
// files in their places, while all others see the old ones (process.Command.Overlay):
// "nginx -t" tests the nginx.conf that nginx uses. Where the system does not allow
// that, the files are swapped first, then checked, and put back if a check fails. The
// arguments of a check may have actions of text/template:
//
//	{{ .Staged "NAME" }}  the staged path of the file NAME: its destination, the
//	                      last element of that, or the name of its template
//	{{ .Staged }}         the staged path of the file that is checked; also {{ .File }}
//	{{ .Files }}          the staged paths of all that are checked
//	{{ .Bundle }}         the bundle's name
//
// The staged path of a file that is right already is its destination. The environment
// has
//
//	RESTENCIL_BUNDLE         the bundle's name
//	RESTENCIL_STAGED         the staged paths of the files that are checked, a line each
//	RESTENCIL_STAGED_MORE    how many that leaves out because there are so many
//	RESTENCIL_STAGED_<NAME>  the staged path of any file of the change: the last
//	                         element of its destination in upper case, with _ for
//	                         other characters, unless two files have the same or
//	                         there are more than 100
package transaction

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"restencil/funcs"
	"restencil/renderer"
	"restencil/renderer/parallel"
	"restencil/runner/event"
	"restencil/runner/format"
	"restencil/runner/journal/swap"
	"restencil/runner/process"
)

// Tools are the functions that a transaction calls. All are required.
type Tools struct {
	// ConsulTemplate words errors of files as consul-template does (COMPAT 4.6.3,
	// appendix B).
	ConsulTemplate bool

	// Run runs a command and returns the end of what it printed. When the context ends,
	// it ends the command.
	Run func(context.Context, process.Command) (output string, err error)

	// InPlace returns why a check cannot see staged files in their places
	// (process.Command.Overlay), nil: it can. It is called only where there is a check.
	InPlace func() error

	// Mask returns a function that hides secrets in a text.
	Mask func() func(string) string

	// Writer returns the template whose destination a path is, "": none.
	// writeToFile may not write there.
	Writer func(path string) string

	// Preview has Stage compare only, for Change.Preview: nothing is made.
	Preview bool
}

// A Transaction makes changes. The steps are Stage, Check, Swap and CheckLate, in
// this order; a change that fails takes no part in later steps. Discard ends it. It is
// not safe for concurrent use.
type Transaction struct {
	Changes []*Change

	// Left has Discard leave the files beside the destinations, which are needed.
	Left bool

	tools  Tools
	dirs   dirs
	extras map[string]*placement // the newest of writeToFile, by path

	inOrder bool // several changes write one of these
}

// New returns a transaction of these changes.
func New(t Tools, changes ...*Change) *Transaction {
	return &Transaction{Changes: changes, tools: t, dirs: make(dirs), extras: make(map[string]*placement)}
}

// live returns the changes that have not failed.
func (tx *Transaction) live() []*Change {
	return slices.DeleteFunc(slices.Clone(tx.Changes), func(c *Change) bool { return c.Err != nil })
}

// Stage stages the files of all changes, many concurrently.
func (tx *Transaction) Stage(ctx context.Context) {
	for _, c := range tx.Changes {
		c.Fail(event.Stage, tx.place(ctx, c))
	}
	live, stage := tx.live(), renderer.Stage
	if tx.tools.Preview {
		stage = renderer.Compare
	}
	each(live, func(p *placement) {
		if p.err = context.Cause(ctx); p.err != nil {
			return
		}
		if p.staged, p.err = stage(p.want); p.err != nil {
			p.err = tx.fileError(p.file, p.err)
		}
	})
	for _, c := range live {
		for _, p := range c.placements {
			c.Fail(event.Stage, p.err)
		}
	}
}

// each calls do for all placements of changes, many concurrently.
func each(changes []*Change, do func(*placement)) {
	var all []*placement
	for _, c := range changes {
		all = append(all, c.placements...)
	}
	parallel.For(len(all), func(i int) { do(all[i]) })
}

// place sets the placements of c.
func (tx *Transaction) place(ctx context.Context, c *Change) error {
	var streams []*placement // last: what was written to a stream cannot be put back
	for i := range c.Files {
		f := &c.Files[i]
		extras, err := tx.extraFiles(ctx, f.Extras)
		if err != nil {
			return tx.fileError(f, err)
		}
		for _, want := range extras {
			other := tx.extras[want.Path] // of another template that writes it, too
			if other != nil && other.change == c {
				other.want = want
				continue
			}
			tx.inOrder = tx.inOrder || other != nil
			p := &placement{change: c, file: f, want: want}
			tx.extras[want.Path], c.placements = p, append(c.placements, p)
		}
		switch {
		case f.Own == nil:
		case f.Own.Stream != nil:
			streams = append(streams, &placement{change: c, file: f, own: true, want: *f.Own})
		default:
			c.placements = append(c.placements, &placement{change: c, file: f, own: true, want: *f.Own})
		}
	}
	c.placements = append(c.placements, streams...)
	c.late = !tx.tools.Preview && (tx.isLate(c.Check) || slices.ContainsFunc(c.Files, func(f File) bool { return tx.isLate(f.Check) }))
	// A single file is swapped at once: nothing needs to be kept.
	keep := c.Keep || c.late || len(c.placements) > 1
	for _, p := range c.placements {
		p.want.Keep = keep
	}
	return nil
}

// fileError returns why a file of a template cannot be put in place.
func (tx *Transaction) fileError(f *File, err error) error {
	return &event.FileError{Template: f.Template, Destination: f.Destination, Err: err, ConsulTemplate: tx.tools.ConsulTemplate}
}

// Moves returns the moves that the swap of c is going to make, for the journal, and
// keeps the old files.
func (tx *Transaction) Moves(c *Change) ([]swap.Move, error) {
	if err := renderer.Keep(c.staged()...); err != nil {
		return nil, err
	}
	var moves []swap.Move
	for _, p := range c.placements {
		if p.staged.Temp() != "" || p.staged.Removes() {
			moves = append(moves, swap.Move{Temp: p.staged.Temp(), Kept: p.staged.Kept(), Path: p.want.Path})
		}
	}
	return moves, nil
}

// Swap puts the files of all changes in place, those of each change all or none.
func (tx *Transaction) Swap() {
	live := tx.live()
	var groups [][]*renderer.StagedFile
	for _, c := range live {
		groups = append(groups, c.staged())
	}
	for i, r := range renderer.SwapGroups(tx.inOrder, groups...) {
		c := live[i]
		for j, p := range c.placements {
			p.result = r.Files[j]
		}
		if r.Err != nil {
			c.Fail(event.Swap, tx.fileError(c.placements[r.Failed].file, r.Err))
			tx.restored(c, r.RestoreErr)
		}
	}
}

// PutBack undoes the swap of c, whose files are kept. Where that fails, they stay
// beside the destinations.
func (tx *Transaction) PutBack(c *Change) error {
	err := renderer.Restore(c.staged()...)
	tx.restored(c, err)
	return err
}

// restored records the error of putting old files back, if there is one.
func (tx *Transaction) restored(c *Change, err error) {
	if err != nil {
		tx.Left = true
		c.Err = errors.Join(c.Err, fmt.Errorf("putting the old files back: %w", err))
	}
}

// Discard removes the files that the transaction has made beside the destinations,
// unless Left is set.
func (tx *Transaction) Discard() {
	if !tx.Left {
		each(tx.Changes, func(p *placement) {
			if p.staged != nil {
				p.staged.Discard()
			}
		})
	}
	for _, root := range tx.dirs {
		root.Close()
	}
	clear(tx.dirs)
}

// A Change is files that go in place all or none.
type Change struct {
	Bundle string // its name
	Files  []File

	// Check must succeed before they go in place, unless none has new bytes. A
	// zero Timeout is 30 s here, and in the check of a file.
	Check process.Command

	// Keep keeps the old files until Discard, for PutBack.
	Keep bool

	// Step is the one that failed, Err why, and Output the end of what the
	// command printed that failed. Nil Err: none has failed.
	Step   event.Step
	Err    error
	Output string

	placements []*placement // in the order in which they are swapped
	late       bool         // some check runs after the swap, since it cannot see what is staged
}

// A File is the file of a template, and those of its writeToFile.
type File struct {
	Template    string // its name
	Destination string

	// Own is what the destination is to be. Nil: it stays as it is.
	Own *renderer.File

	// Extras are calls of writeToFile. Their files go in place before Own.
	Extras []funcs.File

	Format format.Format   // what the content of Own must be, "": anything
	Check  process.Command // that must succeed on it
	Secret bool            // it was made of a secret: messages must not quote it
}

// removed reports whether the destination is to be removed.
func (f *File) removed() bool { return f.Own != nil && f.Own.Remove }

// A placement is a path that a change writes.
type placement struct {
	change *Change
	file   *File // one of the change
	own    bool  // it is Own; else one of Extras
	want   renderer.File
	staged *renderer.StagedFile // nil: it could not be staged
	err    error                // why
	result renderer.Result
}

// Fail records the error of a step, unless it is nil or another step has failed. Errors
// of one step are joined.
func (c *Change) Fail(step event.Step, err error) {
	switch {
	case err == nil:
	case c.Err == nil:
		c.Step, c.Err = step, err
	case c.Step == step:
		c.Err = errors.Join(c.Err, err)
	}
}

// First reports, before the swap, whether no destination exists, so that there is
// nothing to roll back to.
func (c *Change) First() bool {
	return !slices.ContainsFunc(c.Files, func(f File) bool {
		_, err := os.Lstat(f.Destination)
		return err == nil && renderer.StreamOf(f.Destination) == renderer.NoStream
	})
}

// replaced reports whether the swap gives the path new bytes.
func (p *placement) replaced() bool { return p.staged != nil && p.staged.Change() == renderer.Replaced }

// ReplacesAny reports whether a file has new bytes.
func (c *Change) ReplacesAny() bool { return slices.ContainsFunc(c.placements, (*placement).replaced) }

// Replaces reports whether the file at i, or one of its writeToFile, has new bytes.
func (c *Change) Replaces(i int) bool {
	return slices.ContainsFunc(c.placements, func(p *placement) bool { return p.file == &c.Files[i] && p.replaced() })
}

// Replaced returns the destinations of the files that have new bytes.
func (c *Change) Replaced() []string {
	var paths []string
	for i, f := range c.Files {
		if c.Replaces(i) {
			paths = append(paths, f.Destination)
		}
	}
	return paths
}

// Result returns what the swap did to the Own of the file at i.
func (c *Change) Result(i int) renderer.Result {
	for _, p := range c.placements {
		if p.file == &c.Files[i] && p.own {
			return p.result
		}
	}
	return renderer.Result{}
}

func (c *Change) staged() []*renderer.StagedFile {
	all := make([]*renderer.StagedFile, len(c.placements))
	for i, p := range c.placements {
		all[i] = p.staged
	}
	return all
}
