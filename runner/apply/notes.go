package apply

import (
	"slices"

	"restencil/renderer"
	"restencil/runner/journal"
)

// notes is what a transaction needs of a journal.
type notes interface {
	State(bundle string) (journal.State, error)
	Begin(bundle, desired string, moves []journal.Move) error
	Swapped(bundle string) error
	Undone(bundle string) error
	Applied(bundle, hash string, files []journal.File) error
}

// noteBegin notes what the swap is about to do, and fails where the old files
// cannot be kept. A swap that only repairs needs no note: each step of it can be
// done again.
func (tx *transaction) noteBegin() error {
	if tx.notes == nil || !tx.changes(renderer.Replaced) {
		return nil
	}
	if err := renderer.Keep(tx.staged...); err != nil {
		return err
	}
	var moves []journal.Move
	for i, s := range tx.staged {
		if s.Temp() != "" {
			moves = append(moves, journal.Move{Temp: s.Temp(), Kept: s.Kept(), Path: tx.Members[i].File.Path})
		}
	}
	err := tx.notes.Begin(tx.Bundle, tx.Desired, moves)
	tx.warn(err)
	tx.begun = err == nil
	return nil
}

func (tx *transaction) noteSwapped() {
	if tx.begun {
		tx.warn(tx.notes.Swapped(tx.Bundle))
	}
}

func (tx *transaction) noteUndone() {
	if tx.begun {
		tx.warn(tx.notes.Undone(tx.Bundle))
	}
}

// noteApplied notes that all is as it should be, unless that is known.
func (tx *transaction) noteApplied() {
	if tx.notes == nil {
		return
	}
	if !tx.due() {
		s, err := tx.notes.State(tx.Bundle)
		if err == nil && s.Applied == tx.Desired && !s.Owed() {
			return
		}
	}
	tx.warn(tx.notes.Applied(tx.Bundle, tx.Desired, tx.generation()))
}

// generation returns the files as the journal keeps them.
func (tx *transaction) generation() []journal.File {
	files := make([]journal.File, len(tx.Members))
	for i, m := range tx.Members {
		files[i] = journal.File{
			Path: m.File.Path, Content: m.File.Content,
			Perm: m.File.Perm, User: m.File.User, Group: m.File.Group,
			Secret: m.Secret,
		}
	}
	return files
}

// warn adds a warning, once, if err is one.
func (tx *transaction) warn(err error) {
	known := func(w error) bool { return w.Error() == err.Error() }
	if err != nil && !slices.ContainsFunc(tx.out.Warnings, known) {
		tx.out.Warnings = append(tx.out.Warnings, err)
	}
}
