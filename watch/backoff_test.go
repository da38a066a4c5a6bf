package watch

import (
	"testing"
	"time"
)

func TestBackoffCeiling(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name     string
		b        Backoff
		failures int
		want     time.Duration
	}{
		{"first", Backoff{Base: 250 * ms, Max: time.Minute}, 1, 250 * ms},
		{"doubles", Backoff{Base: 250 * ms, Max: time.Minute}, 4, 2 * time.Second},
		{"capped", Backoff{Base: 250 * ms, Max: time.Minute}, 9, time.Minute},
		{"stays capped", Backoff{Base: 250 * ms, Max: time.Minute}, 1000, time.Minute},
		{"base above max", Backoff{Base: time.Hour, Max: time.Minute}, 1, time.Minute},
		{"no cap", Backoff{Base: time.Second}, 11, 1024 * time.Second},
		{"no base", Backoff{Max: time.Second}, 3, time.Second},
		{"zero", Backoff{}, 5, 0},
	}
	for _, tt := range tests {
		if got := tt.b.Ceiling(tt.failures); got != tt.want {
			t.Errorf("%s: Ceiling(%d) = %v, want %v", tt.name, tt.failures, got, tt.want)
		}
	}
	if d := (Backoff{Base: time.Second}).Ceiling(10_000); d <= 0 {
		t.Errorf("without a cap, Ceiling(10000) overflowed to %v", d)
	}
}

func TestBackoffDelay(t *testing.T) {
	b := Backoff{Base: 100 * time.Millisecond, Max: time.Second}
	var lowest, highest time.Duration = time.Hour, 0
	for range 10_000 {
		d := b.Delay(3)
		lowest, highest = min(lowest, d), max(highest, d)
	}
	if lowest <= 0 || highest > 400*time.Millisecond {
		t.Errorf("delays from %v to %v, want within (0, 400ms]", lowest, highest)
	}
	if lowest > 40*time.Millisecond || highest < 360*time.Millisecond {
		t.Errorf("delays from %v to %v: not spread over the whole range", lowest, highest)
	}
}
