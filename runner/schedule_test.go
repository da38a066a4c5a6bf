package runner

import (
	"testing"
	"time"
)

func TestDebounce(t *testing.T) {
	start := time.Unix(1000, 0)
	ms := func(n int) time.Time { return start.Add(time.Duration(n) * time.Millisecond) }
	tests := []struct {
		name  string
		wait  Wait
		ticks []int // when changes come, in ms
		due   int
	}{
		{"one change waits for min", Wait{time.Second, 4 * time.Second}, []int{0}, 1000},
		{"another pushes it", Wait{time.Second, 4 * time.Second}, []int{0, 900}, 1900},
		{"never past max after the first", Wait{time.Second, 3 * time.Second}, []int{0, 500, 1000, 1500, 2000, 2500, 2900}, 3000},
		{"a change at the very end does not go past max", Wait{time.Second, 3 * time.Second}, []int{0, 3000}, 3000},
		{"max below min counts as min", Wait{time.Second, 0}, []int{0, 500}, 1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d debounce
			for _, at := range tt.ticks {
				d.tick(ms(at), tt.wait)
			}
			if !d.due.Equal(ms(tt.due)) {
				t.Errorf("due after %v, want %d ms", d.due.Sub(start), tt.due)
			}
			if d.expired(ms(tt.due - 1)) {
				t.Error("expired before it is due")
			}
			if !d.expired(ms(tt.due)) {
				t.Error("not expired when due")
			}
		})
	}
}

func TestDebounceStartsAnew(t *testing.T) {
	var d debounce
	start := time.Unix(1000, 0)
	w := Wait{time.Second, 2 * time.Second}
	d.tick(start, w)
	d.stop()
	if d.expired(start.Add(time.Hour)) {
		t.Error("a stopped debounce expired")
	}
	d.tick(start.Add(time.Minute), w)
	if want := start.Add(time.Minute + time.Second); !d.due.Equal(want) {
		t.Errorf("due %v, want %v: the old deadline was kept", d.due, want)
	}
}

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
