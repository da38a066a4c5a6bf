package transaction

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"restencil/renderer"
	"restencil/renderer/parallel"
	"restencil/runner/event"
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
// and CheckLate, in this order; a change of which one fails has no part in the
// next. Discard ends it. It is not safe for concurrent use.
type Transaction struct {
	Changes []*Change

	tools Tools
	dirs  dirs // those that writeToFile writes to
	late  bool // some check runs after the swap, since it cannot see what is staged
	kept  bool // what is left beside the destinations must stay
}

// New returns a transaction of these changes. It does nothing yet.
func New(t Tools, changes ...*Change) *Transaction {
	tx := &Transaction{Changes: changes, tools: t, dirs: make(dirs)}
	for _, c := range changes {
		tx.late = tx.late || tx.isLate(c.Check)
		for _, f := range c.Files {
			tx.late = tx.late || tx.isLate(f.Check)
		}
	}
	return tx
}

// live are the changes of which no step has failed.
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
			c.placed = append(c.placed, &placed{file: f, want: want})
		}
		if f.Own != nil {
			c.placed = append(c.placed, &placed{file: f, own: true, want: *f.Own})
		}
	}
	// What was written to a stream cannot be put back, so streams come last.
	slices.SortStableFunc(c.placed, func(a, b *placed) int {
		switch {
		case b.want.Stream != nil && a.want.Stream == nil:
			return -1
		case a.want.Stream != nil && b.want.Stream == nil:
			return 1
		}
		return 0
	})
	// Of a single file nothing can be half done.
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
	var groups [][]*renderer.Staged
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
		tx.kept = true
		c.Err = errors.Join(c.Err, fmt.Errorf("putting the old files back: %w", err))
	}
}

// Leave has Discard leave what is beside the destinations: the next start needs
// it.
func (tx *Transaction) Leave() { tx.kept = true }

// Left tells whether something is left beside the destinations that is needed.
func (tx *Transaction) Left() bool { return tx.kept }

// Discard removes what is left beside the destinations, unless that is needed.
func (tx *Transaction) Discard() {
	defer func() {
		for _, root := range tx.dirs {
			root.Close()
		}
		clear(tx.dirs)
	}()
	if tx.kept {
		return
	}
	each(tx.Changes, func(p *placed) {
		if p.staged != nil {
			p.staged.Discard()
		}
	})
}
