// Package transaction puts files in place: each change of several files all or
// none. They are staged, checked and swapped; and what was there before can be
// put back. Where a step before the swap fails, nothing at the destinations has
// changed, not even an inode.
//
// The package decides nothing about when and why, and remembers nothing: that is
// package bundle's.
//
// # Checks
//
// First each new file must have its format, then each must pass its own check,
// in order, and then all together the change's. On Linux a check sees the new
// files in their places, by whatever path leads there, while all others see the
// old ones (process.Command.Overlay): "nginx -t" tests the nginx.conf that nginx uses. Where
// the system does not allow that, the files are swapped first, then checked, and
// put back at once if a check fails. A check may also say where it wants the name
// of a staged file. Its arguments are text/template texts; those without "{{" are
// left alone. Their actions are
//
//	{{ .Staged "NAME" }}  where the file NAME is staged: the path of its
//	                      destination, the last element of that, or the name of
//	                      its template, whichever fits first; it must fit one
//	                      file of the change
//	{{ .Staged }}         the staged path of the file that is checked; also
//	                      {{ .File }}
//	{{ .Files }}          the staged paths of all that are checked, a list
//	{{ .Bundle }}         the bundle's name
//
// A file that is right already is "staged" at its destination. Paths are not
// quoted; a shell finds them in the environment, where they need not be:
//
//	RESTENCIL_BUNDLE         the bundle's name
//	RESTENCIL_STAGED         the staged paths of the files that are checked, a line each
//	RESTENCIL_STAGED_MORE    how many that leaves out because there are so many
//	RESTENCIL_STAGED_<NAME>  the staged path of any file of the change: the last
//	                         element of its destination in upper case, with _ for
//	                         all that is no letter or digit. Not set where that
//	                         fits two files, or there are more than 100
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

// Tools are what a transaction works with.
type Tools struct {
	// Run runs a check and returns the end of what it printed.
	Run func(context.Context, process.Command) (output string, err error)

	// InPlace says why a check cannot see staged files in their places, nil: it
	// can. It is called only where there is a check.
	InPlace func() error

	// Mask returns what hides secrets in a text.
	Mask func() func(string) string

	// Writer returns the template whose destination a path is, "" where it is
	// none's: writeToFile may not write there.
	Writer func(path string) string
}

// A Transaction is some changes on their way. The steps are Stage, Check, Swap
// and CheckLate, in this order; a change whose step fails takes no
// further part. Discard ends it. It is not safe for concurrent use.
type Transaction struct {
	Changes []*Change

	// Left tells that something is left beside the destinations that is needed:
	// Discard leaves it there.
	Left bool

	tools  Tools
	dirs   dirs               // those that writeToFile writes to
	extras map[string]*placed // what it asks for, by path: the newest
	late   bool               // some check runs after the swap, since it cannot see what is staged
}

// New returns a transaction of these changes. It does nothing yet.
func New(t Tools, changes ...*Change) *Transaction {
	tx := &Transaction{Changes: changes, tools: t, dirs: make(dirs), extras: make(map[string]*placed)}
	for _, c := range changes {
		tx.late = tx.late || tx.isLate(c.Check)
		for _, f := range c.Files {
			tx.late = tx.late || tx.isLate(f.Check)
		}
	}
	return tx
}

func (tx *Transaction) live() []*Change {
	var live []*Change
	for _, c := range tx.Changes {
		if c.Err == nil {
			live = append(live, c)
		}
	}
	return live
}

// Stage stages the files of all changes, many side by side.
func (tx *Transaction) Stage(ctx context.Context) {
	for _, c := range tx.Changes {
		c.Fail(event.Stage, tx.lay(ctx, c))
	}
	live := tx.live()
	each(live, func(p *placed) {
		if p.err = context.Cause(ctx); p.err != nil {
			return
		}
		if p.staged, p.err = renderer.Stage(p.want); p.err != nil {
			p.err = p.file.renderError(p.err)
		}
	})
	for _, c := range live {
		var errs []error
		for _, p := range c.placed {
			errs = append(errs, p.err)
		}
		c.Fail(event.Stage, errors.Join(errs...))
	}
}

// each calls do for all that is placed by changes, many at a time.
func each(changes []*Change, do func(*placed)) {
	var all []*placed
	for _, c := range changes {
		all = append(all, c.placed...)
	}
	parallel.For(len(all), func(i int) { do(all[i]) })
}

// lay notes which paths c is about.
func (tx *Transaction) lay(ctx context.Context, c *Change) error {
	for i := range c.Files {
		f := &c.Files[i]
		extras, err := tx.files(ctx, f.Extras)
		if err != nil {
			return f.renderError(err)
		}
		for _, want := range extras {
			if p := tx.extras[want.Path]; p != nil && p.of == c { // another template of c writes it, too
				p.want = want
				continue
			}
			p := &placed{of: c, file: f, want: want}
			tx.extras[want.Path], c.placed = p, append(c.placed, p)
		}
		if f.Own != nil {
			c.placed = append(c.placed, &placed{of: c, file: f, own: true, want: *f.Own})
		}
	}
	// What was written to a stream cannot be put back, so streams come last.
	streams := func(p *placed) int {
		if p.want.Stream != nil {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(c.placed, func(a, b *placed) int { return streams(a) - streams(b) })
	// A single file is swapped at once: nothing needs to be kept.
	keep := c.Keep || tx.late || len(c.placed) > 1
	for _, p := range c.placed {
		p.want.Keep = keep
	}
	return nil
}

// renderError words an error as consul-template does (COMPAT, appendix B).
func (f *File) renderError(err error) error {
	return fmt.Errorf("error rendering %q => %q: %w", f.Template, f.Destination, err)
}

// Moves returns what the swap of c is going to do, for the journal, and makes
// sure that the old files are kept.
func (tx *Transaction) Moves(c *Change) ([]swap.Move, error) {
	if err := renderer.Keep(c.staged()...); err != nil {
		return nil, err
	}
	var moves []swap.Move
	for _, p := range c.placed {
		if p.staged.Temp() != "" {
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
	for i, r := range renderer.SwapGroups(groups...) {
		c := live[i]
		var failed *File
		for j, p := range c.placed {
			p.result = r.Files[j]
			if p.result.Err != nil {
				failed = p.file
			}
		}
		if r.Err != nil {
			c.Fail(event.Swap, failed.renderError(r.Err))
			tx.stuck(c, r.RestoreErr)
		}
	}
}

// PutBack undoes the swap of c, whose files are kept. Where that fails, what was
// kept stays beside the destinations.
func (tx *Transaction) PutBack(c *Change) error {
	err := renderer.Restore(c.staged()...)
	tx.stuck(c, err)
	return err
}

// stuck notes that old files could not be put back.
func (tx *Transaction) stuck(c *Change, err error) {
	if err != nil {
		tx.Left = true
		c.Err = errors.Join(c.Err, fmt.Errorf("putting the old files back: %w", err))
	}
}

// Discard removes what is left beside the destinations, unless that is needed.
func (tx *Transaction) Discard() {
	defer func() {
		for _, root := range tx.dirs {
			root.Close()
		}
		clear(tx.dirs)
	}()
	if tx.Left {
		return
	}
	each(tx.Changes, func(p *placed) {
		if p.staged != nil {
			p.staged.Discard()
		}
	})
}

// A Change is what some files are to be that go in place all or none.
type Change struct {
	Bundle string // what people call it
	Files  []File

	// Check must succeed before they go in place, unless none has new bytes. A
	// zero Timeout is 30 s here, and in the check of a file.
	Check process.Command

	// Keep keeps the old files until Discard, so that PutBack can put them back.
	Keep bool

	// Step is the one that failed, Err why, and Output the end of what the
	// command printed that failed. Nil Err: none has failed.
	Step   event.Step
	Err    error
	Output string

	placed []*placed // in the order in which they are swapped
}

// A File is the file of a template, and those that it writes besides.
type File struct {
	Template    string // its name
	Destination string

	// Own is what the destination is to be. Nil: it stays as it is.
	Own *renderer.File

	// Extras are what writeToFile asks for. They go in place before Own.
	Extras []funcs.File

	Format format.Format   // what the content of Own must be, "": anything
	Check  process.Command // that must succeed on it
	Secret bool            // it was made of a secret: messages must not quote it
}

// A placed is a path that a change is about.
type placed struct {
	of     *Change
	file   *File // whose, one of the change
	own    bool  // it is Own; else one of Extras
	want   renderer.File
	staged *renderer.StagedFile // nil: it could not be staged
	err    error                // why
	result renderer.Result
}

// Fail notes that a step failed. The first counts; nil is no failure.
func (c *Change) Fail(step event.Step, err error) {
	if c.Err == nil && err != nil {
		c.Step, c.Err = step, err
	}
}

// First tells, before the swap, whether no destination exists, so that there is
// nothing to go back to.
func (c *Change) First() bool {
	return !slices.ContainsFunc(c.Files, func(f File) bool {
		_, err := os.Lstat(f.Destination)
		return err == nil && renderer.StreamOf(f.Destination) == renderer.NoStream
	})
}

// replaced tells whether the swap gives the path new bytes.
func (p *placed) replaced() bool { return p.staged != nil && p.staged.Change() == renderer.Replaced }

// ReplacesAny tells whether a file has new bytes.
func (c *Change) ReplacesAny() bool { return slices.ContainsFunc(c.placed, (*placed).replaced) }

// Replaces tells whether the file at i, or one that its template writes besides,
// has new bytes.
func (c *Change) Replaces(i int) bool {
	return slices.ContainsFunc(c.placed, func(p *placed) bool { return p.file == &c.Files[i] && p.replaced() })
}

// Replaced are the destinations of the files that have new bytes.
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
	for _, p := range c.placed {
		if p.file == &c.Files[i] && p.own {
			return p.result
		}
	}
	return renderer.Result{}
}

func (c *Change) staged() []*renderer.StagedFile {
	all := make([]*renderer.StagedFile, len(c.placed))
	for i, p := range c.placed {
		all[i] = p.staged
	}
	return all
}
