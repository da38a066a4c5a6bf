package templates

import (
	"testing"
	"time"
)

func TestReportsGrowRarer(t *testing.T) {
	if reportAfter(0) >= 2*time.Second {
		t.Errorf("first report after %v, want it within 2 s", reportAfter(0))
	}
	for n := 1; n < 50; n++ {
		if reportAfter(n) <= reportAfter(n-1) {
			t.Errorf("report %d after %v, not later than the one before", n, reportAfter(n))
		}
	}
}
