package swap

import "testing"

func TestDecide(t *testing.T) {
	// A file that is replaced, one that is new, and one of which only the mode
	// changes, by how far the change of each has come.
	replaced := Move{Path: "/p", Temp: "/t", Kept: "/k", Old: "1", New: "2"}
	fresh := Move{Path: "/p", Temp: "/t", New: "2"}
	mode := Move{Path: "/p", Temp: "/t", Kept: "/k", Old: "1", New: "1"}
	removed := Move{Path: "/p", Kept: "/k", Old: "1"}
	var (
		before     = observation{replaced, "1", "2", ""}
		linked     = observation{replaced, "1", "2", "1"}
		halfWay    = observation{replaced, "other", "2", "1"} // a mount point
		after      = observation{replaced, "2", "", "1"}
		afterMount = observation{replaced, "2", "2", "1"}
		putBack    = observation{replaced, "1", "", ""}
		halfBack   = observation{replaced, "other", "", "1"}
		final      = observation{replaced, "2", "", ""}
		lost       = observation{replaced, "1", unreadable, ""}
		edited     = observation{replaced, "other", "", ""}

		freshBefore  = observation{fresh, "", "2", ""}
		freshAfter   = observation{fresh, "2", "", ""}
		freshRemoved = observation{fresh, "", "", ""}
		freshEdited  = observation{fresh, "other", "", ""}

		removedBefore = observation{removed, "1", "", "1"}
		removedAfter  = observation{removed, "", "", "1"}
		removedAgain  = observation{removed, "other", "", "1"}

		modeBefore = observation{mode, "1", "1", "1"}
		modeAfter  = observation{mode, "1", "", "1"}
	)
	tests := []struct {
		name string
		done bool
		seen []observation
		want Outcome
	}{
		{"no file at all", false, nil, Cancelled},
		{"before the first", false, []observation{before, freshBefore, modeBefore}, Cancelled},
		{"the first is linked", false, []observation{linked, before}, Cancelled},
		{"the swap failed and was undone", false, []observation{putBack, putBack, freshRemoved}, Cancelled},
		{"nothing replaced and one lost", false, []observation{before, lost}, Cancelled},
		{"between", false, []observation{after, linked, freshBefore}, Completed},
		{"a mode first", false, []observation{modeAfter, before}, Completed},
		{"a mode last", false, []observation{after, modeBefore}, Completed},
		{"within a mount point", false, []observation{halfWay, before}, Completed},
		{"a mount point's temporary file is still there", false, []observation{afterMount, before}, Completed},
		{"all replaced", false, []observation{after, freshAfter, modeAfter}, Completed},
		{"one is still to be removed", false, []observation{after, removedBefore}, Completed},
		{"one is removed first", false, []observation{removedAfter, before}, Completed},
		{"none is removed yet", false, []observation{removedBefore, before}, Cancelled},
		{"one is removed, and one lost", false, []observation{removedAfter, lost}, Undone},
		{"one is removed, and made again by somebody", true, []observation{removedAgain, after}, Undone},
		{"one lost", false, []observation{after, freshAfter, modeAfter, lost}, Undone},
		{"one lost, and one kept for nobody", false, []observation{final, lost}, Mixed},
		{"one lost, and a new one edited", false, []observation{after, freshEdited, lost}, Mixed},

		{"done: all new", true, []observation{after, freshAfter, modeAfter}, Settled},
		{"done: nothing kept any more", true, []observation{final, freshAfter}, Settled},
		{"done: half put back", true, []observation{after, putBack, freshRemoved}, Undone},
		{"done: half put back, within a mount point", true, []observation{after, halfBack}, Undone},
		{"done: all put back", true, []observation{putBack, putBack}, Restored},
		{"done: one edited since", true, []observation{final, edited}, Settled},
		{"done: all were new, and one was removed since", true, []observation{freshAfter, freshRemoved}, Settled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(&Swap{Done: tt.done}, tt.seen); got != tt.want {
				t.Errorf("decide = %d, want %d", got, tt.want)
			}
		})
	}
}
