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

func TestEarliest(t *testing.T) {
	never, soon, late := time.Time{}, time.Unix(1, 0), time.Unix(2, 0)
	for _, tt := range []struct{ a, b, want time.Time }{
		{never, never, never}, {soon, never, soon}, {never, soon, soon}, {soon, late, soon}, {late, soon, soon},
	} {
		if got := earliest(tt.a, tt.b); !got.Equal(tt.want) {
			t.Errorf("earliest(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
