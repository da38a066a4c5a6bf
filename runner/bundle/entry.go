package bundle

import (
	"cmp"
	"strconv"
	"time"

	"restencil/runner/bundle/group"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/transaction"
)

// An entry is a bundle's entry in the journal. An error of the journal is an event,
// and the bundle goes on.
type entry struct {
	journal *journal.Journal // nil: there is none
	key     string
	events  func(event.Event)
	verdict journal.Verdict // as it was written last
	err     string          // of the journal, as it was reported last
	begun   bool            // a swap is under way
	owed    string          // under which the command is owed, "": it is not
}

// do calls f, and reports an error that differs from the last.
func (e *entry) do(f func(*journal.Journal) error) (ok bool) {
	if e.journal == nil {
		return false
	}
	err, text := f(e.journal), ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == e.err:
	case err != nil:
		e.events(event.JournalFailed{Err: err})
	default:
		e.events(event.JournalRecovered{})
	}
	e.err = text
	return err == nil
}

// owe writes, before files change that each go in place by themselves, that the
// command is owed for them. As long as it is owed its id stays, so that the files of
// a burst of changes cost one write to the disk.
func (e *entry) owe(files []string) {
	if e.journal == nil || len(files) == 0 {
		return
	}
	e.owed = cmp.Or(e.owed, newID())
	e.do(func(j *journal.Journal) error { return j.Owe(e.key, e.owed, files) })
}

// newID returns an id under which a command is owed, in the place of a hash.
func newID() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }

// begin writes which files the swap of a change to hash replaces. A swap that only
// repairs needs no record: each step of it can be done again. With trial the swap may
// be undone. The change fails where the old files cannot be kept.
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
	e.begun = e.do(func(j *journal.Journal) error { return j.Begin(e.key, hash, trial, moves) })
}

func (e *entry) undone() {
	if e.begun {
		e.do(func(j *journal.Journal) error { return j.Undone(e.key) })
	}
}

func (e *entry) state() (st journal.State) {
	e.do(func(j *journal.Journal) (err error) {
		st, err = j.State(e.key)
		return err
	})
	return st
}

// made reports whether the journal has it that this change was made.
func (e *entry) made(t group.Target) bool {
	st := e.state()
	return st.Applied == t.Hash && !st.Owed()
}

// elements writes which files of elements are this program's, before they go in place
// and, with removed, which have been removed.
func (e *entry) elements(targets []group.Target, removed bool) {
	for list, paths := range group.Elements(targets, removed) {
		e.do(func(j *journal.Journal) error { return j.SetElements(list, paths, removed) })
	}
}
