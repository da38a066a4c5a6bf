package templates

import (
	"testing"
	"time"

	"restencil/runner/event"
)

func TestReportsGrowRarer(t *testing.T) {
	w := waiting{Waits: event.Waits{Since: time.Unix(1000, 0)}}
	last := w.nextReport(false)
	if after := last.Sub(w.Since); after >= 2*time.Second {
		t.Errorf("first report after %v, want it within 2 s", after)
	}
	for w.reports = 1; w.reports < 50; w.reports++ {
		next := w.nextReport(false)
		if !next.After(last) {
			t.Errorf("report %d at %v, not later than the one before", w.reports, next)
		}
		last = next
	}
}
