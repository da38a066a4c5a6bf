package schedule

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestTimers compares Timers, step by step, with a map that is searched from
// end to end.
func TestTimers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Unix(1000, 0)
	var timers Timers[int]
	plain := make(map[int]time.Time)
	for step := range 20000 {
		value, due := random.IntN(50), now.Add(time.Duration(random.IntN(100))*time.Second)
		switch random.IntN(8) {
		case 0:
			timers.Set(value, time.Time{})
			delete(plain, value)
		case 1:
			timers.Remove(value)
			delete(plain, value)
		default:
			timers.Set(value, due)
			plain[value] = due
		}
		if step%10 == 0 {
			now = now.Add(time.Duration(random.IntN(20)) * time.Second)
			popAll(t, &timers, plain, now)
		}
		var next time.Time
		for _, due := range plain {
			if next.IsZero() || due.Before(next) {
				next = due
			}
		}
		if !timers.Next().Equal(next) || !timers.Due(value).Equal(plain[value]) || timers.Has(value) == plain[value].IsZero() {
			t.Fatalf("step %d: next %v, want %v; %d is due %v, want %v",
				step, timers.Next(), next, value, timers.Due(value), plain[value])
		}
	}
}

// popAll pops what is due now, and removes the same from plain.
func popAll(t *testing.T, timers *Timers[int], plain map[int]time.Time, now time.Time) {
	t.Helper()
	got := timers.PopAll(now)
	byDue := func(a, b int) int { return plain[a].Compare(plain[b]) }
	if !slices.IsSortedFunc(got, byDue) {
		t.Errorf("due, but not in order: %v", got)
	}
	var want []int
	for value, due := range plain {
		if !due.After(now) {
			want = append(want, value)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("due %v, want %v", got, want)
	}
	for _, value := range want {
		delete(plain, value)
	}
}

func TestEarliest(t *testing.T) {
	never, soon, late := time.Time{}, time.Unix(1, 0), time.Unix(2, 0)
	for _, tt := range []struct {
		times []time.Time
		want  time.Time
	}{
		{nil, never}, {[]time.Time{never, never}, never}, {[]time.Time{never, soon}, soon},
		{[]time.Time{soon, never}, soon}, {[]time.Time{late, never, soon}, soon}, {[]time.Time{soon, late}, soon},
	} {
		if got := Earliest(tt.times...); !got.Equal(tt.want) {
			t.Errorf("Earliest(%v) = %v, want %v", tt.times, got, tt.want)
		}
	}
}
