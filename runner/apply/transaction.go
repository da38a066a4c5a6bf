package apply

import (
	"context"
	"slices"

	"restencil/renderer"
)

// A transaction is a Change on its way. Its methods that are steps return
// whether the next one is to follow.
type transaction struct {
	Change
	tools Tools
	notes notes // nil where nothing is to be remembered
	begun bool  // the journal knows of the swap
	extra bool  // Before has changed something

	staged []*renderer.Staged // by member
	keep   bool               // what the swap replaces is kept
	stuck  bool               // not all could be put back; what was kept must stay
	out    Outcome
}

// Apply makes the files of c be as they should, all or none, and has the program
// that reads them take notice. What is right already is left alone; where that is
// all, and no reload is owed, nothing is checked or run.
//
// When ctx ends before the swap, nothing has changed. When it ends after that, the
// new files stay and the reload is owed, which the journal knows. The swap itself
// cannot be interrupted.
//
// No temporary file stays behind, unless an old one could not be put back.
func Apply(ctx context.Context, c Change, t Tools) Outcome {
	tx := &transaction{Change: c, tools: t}
	if t.Journal != nil {
		tx.notes = t.Journal
	}
	return tx.run(ctx)
}

func (tx *transaction) run(ctx context.Context) Outcome {
	tx.out.Files = make([]renderer.Result, len(tx.Members))
	if tx.stage(ctx) && tx.check(ctx) && tx.swap(ctx) && tx.reload(ctx) && tx.verify(ctx) {
		tx.applied()
	}
	// Not deferred: where a step panics, what is left is what a crash leaves.
	if !tx.stuck {
		tx.discard()
	}
	return tx.out
}

// enter begins a step, unless ctx has ended.
func (tx *transaction) enter(ctx context.Context, s Step) bool {
	tx.out.Step = s
	tx.tell(s)
	return tx.goOn(ctx)
}

func (tx *transaction) tell(s Step) {
	if tx.tools.Entered != nil {
		tx.tools.Entered(s)
	}
}

// goOn fails where ctx has ended.
func (tx *transaction) goOn(ctx context.Context) bool {
	if ctx.Err() != nil {
		return tx.fail(context.Cause(ctx))
	}
	return true
}

// fail ends the transaction at the present step.
func (tx *transaction) fail(err error) bool {
	tx.out.Err = err
	return false
}

// changes tells whether the swap has, or had, this to do for a file.
func (tx *transaction) changes(what ...renderer.Change) bool {
	return slices.ContainsFunc(tx.staged, func(s *renderer.Staged) bool {
		return slices.Contains(what, s.Change())
	})
}

// due tells whether the program has something to take notice of.
func (tx *transaction) due() bool {
	return tx.Owed || tx.extra || tx.changes(renderer.Replaced)
}

// discard removes what is left beside the destinations.
func (tx *transaction) discard() {
	for _, s := range tx.staged {
		if s != nil {
			s.Discard()
		}
	}
}
