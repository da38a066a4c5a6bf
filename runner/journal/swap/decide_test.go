package swap

import "testing"

func TestDecide(t *testing.T) {
	// A file that is replaced, one that is new, and one of which only the mode
	// changes, by how far the change of each has come.
	replaced := Move{Path: "/p", Temp: "/t", Kept: "/k", Old: "1", New: "2"}
	fresh := Move{Path: "/p", Temp: "/t", New: "2"}
	mode := Move{Path: "/p", Temp: "/t", Kept: "/k", Old: "1", New: "1"}
	var (
		before     = observed{replaced, "1", "2", ""}
		linked     = observed{replaced, "1", "2", "1"}
		halfWay    = observed{replaced, "other", "2", "1"} // a mount point
		after      = observed{replaced, "2", "", "1"}
		afterMount = observed{replaced, "2", "2", "1"}
		putBack    = observed{replaced, "1", "", ""}
		halfBack   = observed{replaced, "other", "", "1"}
		final      = observed{replaced, "2", "", ""}
		lost       = observed{replaced, "1", unreadable, ""}
		edited     = observed{replaced, "other", "", ""}

		freshBefore  = observed{fresh, "", "2", ""}
		freshAfter   = observed{fresh, "2", "", ""}
		freshRemoved = observed{fresh, "", "", ""}
		freshEdited  = observed{fresh, "other", "", ""}

		modeBefore = observed{mode, "1", "1", "1"}
		modeAfter  = observed{mode, "1", "", "1"}
	)
	tests := []struct {
		name string
		done bool
		seen []observed
		want Outcome
	}{
		{"no file at all", false, nil, Cancelled},
		{"before the first", false, []observed{before, freshBefore, modeBefore}, Cancelled},
		{"the first is linked", false, []observed{linked, before}, Cancelled},
		{"the swap failed and was undone", false, []observed{putBack, putBack, freshRemoved}, Cancelled},
		{"nothing replaced and one lost", false, []observed{before, lost}, Cancelled},
		{"between", false, []observed{after, linked, freshBefore}, Completed},
		{"a mode first", false, []observed{modeAfter, before}, Completed},
		{"a mode last", false, []observed{after, modeBefore}, Completed},
		{"within a mount point", false, []observed{halfWay, before}, Completed},
		{"a mount point's temporary file is still there", false, []observed{afterMount, before}, Completed},
		{"all replaced", false, []observed{after, freshAfter, modeAfter}, Completed},
		{"one lost", false, []observed{after, freshAfter, modeAfter, lost}, Undone},
		{"one lost, and one kept for nobody", false, []observed{final, lost}, Mixed},
		{"one lost, and a new one edited", false, []observed{after, freshEdited, lost}, Mixed},

		{"done: all new", true, []observed{after, freshAfter, modeAfter}, Settled},
		{"done: nothing kept any more", true, []observed{final, freshAfter}, Settled},
		{"done: half put back", true, []observed{after, putBack, freshRemoved}, Undone},
		{"done: half put back, within a mount point", true, []observed{after, halfBack}, Undone},
		{"done: all put back", true, []observed{putBack, putBack}, Restored},
		{"done: one edited since", true, []observed{final, edited}, Settled},
		{"done: all were new, and one was removed since", true, []observed{freshAfter, freshRemoved}, Settled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(&Swap{Done: tt.done}, tt.seen); got != tt.want {
				t.Errorf("decide = %d, want %d", got, tt.want)
			}
		})
	}
}
