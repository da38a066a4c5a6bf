package bundle

import (
	"cmp"
	"strconv"
	"time"

	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/transaction"
)

// An entry is a bundle's entry in the journal. Where it cannot be written, all
// goes on, and that is told.
type entry struct {
	journal *journal.Journal // nil: nothing is noted
	key     string
	events  func(event.Event)
	verdict journal.Verdict // as it was noted last
	warned  string          // what was told of the journal last
	begun   bool            // the journal knows of a swap that is under way
	debt    string          // what the journal knows by that the command is owed, "": it does not
}

// note writes to the journal, or reads it, and tells that this fails, if that is
// news.
func (e *entry) note(do func(*journal.Journal) error) (ok bool) {
	if e.journal == nil {
		return false
	}
	err, text := do(e.journal), ""
	if err != nil {
		if text = err.Error(); text != e.warned {
			e.events(event.JournalFailed{Err: err})
		}
	}
	e.warned = text
	return err == nil
}

// owe notes, before files change that each go in place by themselves, that the
// command is owed for them. A command that is owed already goes on to be owed by the
// same debt, which costs no write to the disk: the files of a burst of changes do
// not wait for one each.
func (e *entry) owe(files []string) {
	if e.journal == nil || len(files) == 0 {
		return
	}
	e.debt = cmp.Or(e.debt, newDebt())
	e.note(func(j *journal.Journal) error { return j.Owe(e.key, e.debt, files) })
}

// newDebt returns a name for a debt like no other.
func newDebt() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }

// begin notes what the swap of a change, to hash, is about to do; and that it may
// be taken back. A swap that only repairs needs no note: each step of it can be
// done again. The change fails where the old files cannot be kept.
func (e *entry) begin(tx *transaction.Transaction, hash string, trial bool) {
	c := tx.Changes[0]
	e.begun = false
	if e.journal == nil || c.Err != nil || !c.ReplacesAny() {
		return
	}
	moves, err := tx.Moves(c)
	if err != nil {
		c.Fail(event.Swap, err)
		return
	}
	e.begun = e.note(func(j *journal.Journal) error { return j.Begin(e.key, hash, trial, moves) })
}

func (e *entry) undone() {
	if e.begun {
		e.note(func(j *journal.Journal) error { return j.Undone(e.key) })
	}
}

func (e *entry) state() (st journal.State) {
	e.note(func(j *journal.Journal) (err error) {
		st, err = j.State(e.key)
		return err
	})
	return st
}
