package schedule

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

func TestBackoffOfCountedAttempts(t *testing.T) {
	b := Backoff{Base: 250 * time.Millisecond, Max: time.Minute, Attempts: 12}
	var total time.Duration
	for failures := 1; failures <= 12; failures++ {
		if b.Delay(failures) != b.Ceiling(failures) {
			t.Errorf("after %d failures the wait is %v, want %v", failures, b.Delay(failures), b.Ceiling(failures))
		}
		total += b.Delay(failures)
	}
	if want := 303750 * time.Millisecond; total != want { // COMPAT 4.10.4
		t.Errorf("twelve retries take %v, want %v", total, want)
	}
	if d := b.After(1, 7*time.Second); d != 7250*time.Millisecond {
		t.Errorf("where the store asks for 7s the wait is %v", d)
	}
	if d := b.After(3, 0); d != time.Second {
		t.Errorf("where the store asks for nothing the wait is %v", d)
	}
}

func TestBackoffProbes(t *testing.T) {
	for _, tt := range []struct{ retry, want Backoff }{
		{Backoff{Base: 250 * time.Millisecond, Max: time.Minute}, Backoff{Base: 250 * time.Millisecond, Max: 2 * time.Second}},
		{Backoff{Base: time.Second}, Backoff{Base: time.Second, Max: 2 * time.Second}},
		{Backoff{Base: 10 * time.Second, Max: time.Minute}, Backoff{Base: 10 * time.Second, Max: 10 * time.Second}},
		{Backoff{Base: time.Second, Max: time.Second}, Backoff{Base: time.Second, Max: time.Second}},
		{Backoff{Max: time.Minute}, Backoff{Max: 2 * time.Second}},
		{Backoff{Base: time.Second, Max: time.Minute, Attempts: 12}, Backoff{Base: time.Second, Max: time.Minute, Attempts: 12}},
	} {
		if got := tt.retry.Probes(); got != tt.want {
			t.Errorf("%+v: probes %+v, want %+v", tt.retry, got, tt.want)
		}
	}
}

func TestBackoffSpent(t *testing.T) {
	for _, tt := range []struct {
		attempts, failures int
		want               bool
	}{
		{0, 1000, false}, {2, 1, false}, {2, 2, false}, {2, 3, true}, {-1, 0, false}, {-1, 1, true},
	} {
		if got := (Backoff{Attempts: tt.attempts}).Spent(tt.failures); got != tt.want {
			t.Errorf("%d attempts: spent after %d failures: %v, want %v", tt.attempts, tt.failures, got, tt.want)
		}
	}
}
