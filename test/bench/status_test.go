package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"restencil/test/binary"
)

// TestStatus compares a restencil that serves its status and metrics over HTTP, while
// nobody asks, with one that does not.
//
// Two processes of one program differ by more than what is looked for: by where their
// memory lies. So several of each take turns, and the best of each counts.
func TestStatus(t *testing.T) {
	needLinux(t)
	const (
		most       = 1.02
		with       = "with the status"
		without    = "without"
		mostPasses = 4 // of which the best counts, too
	)
	path := binary.Path(t)
	keepTemp(t)
	var all []program
	for i := range times(4) {
		all = append(all,
			program{name: fmt.Sprintf("%s, %d", without, i), path: path},
			program{name: fmt.Sprintf("%s, %d", with, i), path: path, more: []string{"-status-addr", "127.0.0.1:0"}})
	}
	work := oneKey()
	work.rendered = func(s *setup, within time.Duration) bool {
		for end := time.Now().Add(within); strings.HasPrefix(s.name, with) && !s.process.listens(); {
			if time.Now().After(end) {
				t.Fatalf("%s: it does not listen\n%s", s.name, s.process.output())
			}
			time.Sleep(time.Millisecond)
		}
		return oneKey().rendered(s, within)
	}
	best := make(map[string]figures)
	for range mostPasses {
		for name, f := range (turns{work: work, full: 80, shared: true}).measure(t, all) {
			sort, _, _ := strings.Cut(name, ", ")
			r := row{of: map[string]figures{sort: f}}
			r.keepBest(row{of: best})
			best[sort] = f
		}
		kept := true
		for _, f := range []figure{timeTaken, cpuTime} {
			on, off := best[with][f], best[without][f]
			t.Logf("%s: %s with the status over HTTP, %s without: %.3f×", f, f.text(on), f.text(off), on/off)
			kept = kept && on <= most*off
		}
		if kept || !*judge {
			return
		}
	}
	t.Errorf("to serve the status takes more than %.2f× of the time or CPU", most)
}
