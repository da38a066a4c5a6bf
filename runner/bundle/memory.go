package bundle

import (
	"strconv"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/journal/history"
	"restencil/runner/transaction"
)

// memory is what a bundle notes in the journal. Where that fails, all goes on, and
// it is told.
type memory struct {
	journal *journal.Journal // nil: nothing is noted
	key     string
	events  func(event.Event)
	warned  string // what was told of the journal last
	begun   bool   // the journal knows of a swap that is under way
}

// warn tells that the journal fails, if that is news.
func (m *memory) warn(err error) {
	text := ""
	if err != nil {
		if text = err.Error(); text != m.warned {
			m.events(event.JournalFailed{Err: err})
		}
	}
	m.warned = text
}

// owe notes, before files change that each go in place by themselves, that the
// command is owed for them. It returns what that is known by. A command that is
// owed already goes on to be owed by the same debt, which costs no write to the
// disk: the files of a burst of changes do not wait for one each.
func (m *memory) owe(debt string, files []string) string {
	if m.journal == nil || len(files) == 0 {
		return debt
	}
	if debt == "" {
		debt = newDebt()
	}
	m.warn(m.journal.Owe(m.key, debt, files))
	return debt
}

// newDebt returns a name for a debt like no other.
func newDebt() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }

// paid notes that the command has been run for all that it was owed for.
func (m *memory) paid(debt string) {
	if m.journal != nil && debt != "" {
		m.warn(m.journal.Applied(m.key, debt, nil))
	}
}

// begin notes what the swap of c, to hash, is about to do; and that it may be
// taken back. A swap that only repairs needs no note: each step of it can be done
// again. The change fails where the old files cannot be kept.
func (m *memory) begin(tx *transaction.Transaction, c *transaction.Change, hash string, trial bool) {
	m.begun = false
	if m.journal == nil || !c.Has(renderer.Replaced) {
		return
	}
	moves, err := tx.Moves(c)
	if err != nil {
		c.Fail(event.Swap, err)
		return
	}
	err = m.journal.Begin(m.key, hash, trial, moves)
	m.warn(err)
	m.begun = err == nil
}

// swapped notes what became of the swap.
func (m *memory) swapped(tx *transaction.Transaction, c *transaction.Change) {
	switch {
	case !m.begun || tx.Left():
	case c.Err == nil:
		m.warn(m.journal.Swapped(m.key))
	default:
		m.undone()
	}
}

// undone notes that the old files are back.
func (m *memory) undone() {
	if m.begun {
		m.warn(m.journal.Undone(m.key))
	}
}

// applied notes that the files are in place and were loaded. loaded tells that
// this is news.
func (m *memory) applied(hash string, files []history.File, loaded bool) {
	if m.journal == nil {
		return
	}
	if !loaded {
		s, err := m.journal.State(m.key)
		if err == nil && s.Applied == hash && !s.Owed() {
			return
		}
	}
	m.warn(m.journal.Applied(m.key, hash, files))
}

// remember notes what must survive a restart about g.
func (m *memory) remember(g *group) {
	if m.journal == nil {
		return
	}
	m.warn(m.journal.Remember(m.key, journal.Verdict{
		Rejected: g.trouble.hash,
		Reason:   g.trouble.reason,
		Attempts: g.trouble.proven,
		Retry:    g.trouble.retry,
		Pinned:   g.pinned,
		Accepted: g.accepted,
	}))
}

// rejected keeps files that were proven bad, and returns where.
func (m *memory) rejected(reason string, files []history.File) string {
	if m.journal == nil {
		return ""
	}
	dir, err := m.journal.KeepRejected(m.key, reason, files)
	m.warn(err)
	return dir
}

// state returns what the journal knows.
func (m *memory) state() journal.State {
	if m.journal == nil {
		return journal.State{}
	}
	st, err := m.journal.State(m.key)
	m.warn(err)
	return st
}
