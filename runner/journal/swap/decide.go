package swap

import "slices"

// An Outcome is what a crash, and the recovery from it, made of a swap.
type Outcome int

const (
	Settled   Outcome = iota // all files were new already
	Completed                // those that were not new yet are new now
	Cancelled                // no file had been replaced
	Undone                   // those that had been replaced are old again
	Mixed                    // neither can be done
)

// decide returns the outcome that is possible, from what is on disk now. Where all
// moves had been made (Done), the old files count if they were being put back, or if
// nobody knew yet whether the new ones are any good (Trial): then the change is made
// again from the beginning.
func decide(s *Swap, now []observed) Outcome {
	every := func(is func(observed) bool) bool {
		return !slices.ContainsFunc(now, func(m observed) bool { return !is(m) })
	}
	switch {
	case s.Done && (every(observed.made) && !s.Trial || every(observed.isNew) || !every(observed.undoable)):
		return Settled
	case !s.Done && every(observed.untouched):
		return Cancelled
	case !s.Done && every(observed.makeable):
		return Completed
	case every(observed.undoable):
		return Undone
	}
	return Mixed
}

// An observed is a move and what is at its paths now.
type observed struct {
	Move
	at, temp, kept Content
}

// observe finds out what is at the paths of moves. What cannot be read differs from
// everything that can have been noted.
func observe(moves []Move) []observed {
	now := make([]observed, len(moves))
	for i, m := range moves {
		o := observed{Move: m}
		o.at, _ = contentOf(m.Path)
		o.temp, _ = contentOf(m.Temp)
		if m.Kept != "" {
			o.kept, _ = contentOf(m.Kept)
		}
		now[i] = o
	}
	return now
}

// isNew tells whether there was no file before the move.
func (m observed) isNew() bool { return m.Old == nothing }

// untouched tells whether the old file is in place. If old and new have the same
// bytes, because mode or owner was to change, the staged file tells.
func (m observed) untouched() bool {
	return m.at == m.Old && (m.Old != m.New || m.temp == m.New)
}

// made tells whether the new file is in place.
func (m observed) made() bool { return m.at == m.New && !m.untouched() }

// makeable tells whether the new file is or can be put in place.
func (m observed) makeable() bool { return m.made() || m.temp == m.New }

// undoable tells whether the old file is or can be put in place. If there was none,
// a file that somebody else has made meanwhile is not removed.
func (m observed) undoable() bool {
	switch {
	case m.untouched():
		return true
	case m.isNew():
		return m.at == m.New
	}
	return m.Kept != "" && m.kept == m.Old
}
