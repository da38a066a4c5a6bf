package journal

import "slices"

// A verdict is what is to be done about a swap that a crash may have cut in two.
type verdict int

const (
	settled  verdict = iota // nothing but to tidy up: all is new
	complete                // make the moves that have not been made
	cancel                  // nothing but to tidy up: no move has been made
	undo                    // take back those that have been made
	mixed                   // neither can be done
)

// judge says what is to be done about a swap of which this is seen. Where all
// moves had been made (Done), the old files matter if they were being put back;
// or if it was still to be seen whether the new ones are any good (Trial): then
// the change is made again from the beginning.
func judge(w *swap, seen []sight) verdict {
	every := func(is func(sight) bool) bool {
		return !slices.ContainsFunc(seen, func(s sight) bool { return !is(s) })
	}
	switch {
	case w.Done && (every(sight.made) && !w.Trial || every(sight.first) || !every(sight.undoable)):
		return settled
	case !w.Done && every(sight.untouched):
		return cancel
	case !w.Done && every(sight.makeable):
		return complete
	case every(sight.undoable):
		return undo
	}
	return mixed
}

// A sight is a move and what there is of it now.
type sight struct {
	move
	at, temp, kept content // at its paths
}

// see looks at what there is of moves. What cannot be read is unlike all that
// can have been noted.
func see(moves []move) []sight {
	seen := make([]sight, len(moves))
	for i, m := range moves {
		s := sight{move: m}
		s.at, _ = contentOf(m.Path)
		s.temp, _ = contentOf(m.Temp)
		if m.Kept != "" {
			s.kept, _ = contentOf(m.Kept)
		}
		seen[i] = s
	}
	return seen
}

func destinations(seen []sight) []string {
	var paths []string
	for _, s := range seen {
		paths = append(paths, s.Path)
	}
	return paths
}

// first tells whether the move makes a new file.
func (s sight) first() bool { return s.Old == nothing }

// untouched tells whether the old file is in place. If old and new have the
// same bytes, because mode or owner was to change, it shows by what is staged.
func (s sight) untouched() bool {
	return s.at == s.Old && (s.Old != s.New || s.temp == s.New)
}

// made tells whether the new file is in place.
func (s sight) made() bool { return s.at == s.New && !s.untouched() }

// makeable tells whether the new file is or can be put in place.
func (s sight) makeable() bool { return s.made() || s.temp == s.New }

// undoable tells whether the old file is or can be put in place. A file that
// somebody else has made in the place of none is not removed.
func (s sight) undoable() bool {
	switch {
	case s.untouched():
		return true
	case s.first():
		return s.at == s.New
	}
	return s.Kept != "" && s.kept == s.Old
}
