package journal

import "testing"

func TestJudge(t *testing.T) {
	// A file that is replaced, one that is new, and one of which only the mode
	// changes, by how far the change of each has come.
	replaced := move{Path: "/p", Temp: "/t", Kept: "/k", Old: "1", New: "2"}
	fresh := move{Path: "/p", Temp: "/t", New: "2"}
	mode := move{Path: "/p", Temp: "/t", Kept: "/k", Old: "1", New: "1"}
	var (
		before     = sight{replaced, "1", "2", ""}
		linked     = sight{replaced, "1", "2", "1"}
		halfWay    = sight{replaced, "other", "2", "1"} // a mount point
		after      = sight{replaced, "2", "", "1"}
		afterMount = sight{replaced, "2", "2", "1"}
		putBack    = sight{replaced, "1", "", ""}
		halfBack   = sight{replaced, "other", "", "1"}
		final      = sight{replaced, "2", "", ""}
		lost       = sight{replaced, "1", unreadable, ""}
		edited     = sight{replaced, "other", "", ""}

		freshBefore  = sight{fresh, "", "2", ""}
		freshAfter   = sight{fresh, "2", "", ""}
		freshRemoved = sight{fresh, "", "", ""}
		freshEdited  = sight{fresh, "other", "", ""}

		modeBefore = sight{mode, "1", "1", "1"}
		modeAfter  = sight{mode, "1", "", "1"}
	)
	tests := []struct {
		name string
		done bool
		seen []sight
		want verdict
	}{
		{"no file at all", false, nil, cancel},
		{"before the first", false, []sight{before, freshBefore, modeBefore}, cancel},
		{"the first is linked", false, []sight{linked, before}, cancel},
		{"the swap failed and was undone", false, []sight{putBack, putBack, freshRemoved}, cancel},
		{"nothing replaced and one lost", false, []sight{before, lost}, cancel},
		{"between", false, []sight{after, linked, freshBefore}, complete},
		{"a mode first", false, []sight{modeAfter, before}, complete},
		{"a mode last", false, []sight{after, modeBefore}, complete},
		{"within a mount point", false, []sight{halfWay, before}, complete},
		{"a mount point's temporary file is still there", false, []sight{afterMount, before}, complete},
		{"all replaced", false, []sight{after, freshAfter, modeAfter}, complete},
		{"one lost", false, []sight{after, freshAfter, modeAfter, lost}, undo},
		{"one lost, and one kept for nobody", false, []sight{final, lost}, mixed},
		{"one lost, and a new one edited", false, []sight{after, freshEdited, lost}, mixed},

		{"done: all new", true, []sight{after, freshAfter, modeAfter}, settled},
		{"done: nothing kept any more", true, []sight{final, freshAfter}, settled},
		{"done: half put back", true, []sight{after, putBack, freshRemoved}, undo},
		{"done: half put back, within a mount point", true, []sight{after, halfBack}, undo},
		{"done: all put back", true, []sight{putBack, putBack}, undo},
		{"done: one edited since", true, []sight{final, edited}, settled},
		{"done: all were new, and one was removed since", true, []sight{freshAfter, freshRemoved}, settled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := judge(&swap{Done: tt.done}, tt.seen); got != tt.want {
				t.Errorf("judge = %d, want %d", got, tt.want)
			}
		})
	}
}
