package runner

import "time"

// A debounce says when changes that keep coming are to be acted on: once
// there has been none for Wait.Min, at the latest Wait.Max after the first
// (COMPAT 4.5). It is pure: the caller tells it the time. The zero value has
// nothing under way.
type debounce struct {
	due      time.Time // zero: nothing is under way
	deadline time.Time
}

// tick notes a change at now.
func (d *debounce) tick(now time.Time, w Wait) {
	if d.due.IsZero() {
		d.deadline = now.Add(max(w.Min, w.Max))
	}
	d.due = now.Add(w.Min)
	if d.due.After(d.deadline) {
		d.due = d.deadline
	}
}

// stop forgets the changes.
func (d *debounce) stop() { *d = debounce{} }

// expired tells whether it is time to act.
func (d *debounce) expired(now time.Time) bool {
	return !d.due.IsZero() && !d.due.After(now)
}

// reportAfter says how long after something began to wait its nth report
// (from 0) is made: soon, then ever more rarely.
func reportAfter(n int) time.Duration {
	switch n {
	case 0:
		return 1500 * time.Millisecond // people look at what they started for about two
	case 1:
		return 10 * time.Second
	case 2:
		return time.Minute
	case 3:
		return 5 * time.Minute
	case 4:
		return 30 * time.Minute
	default:
		return time.Duration(n-4) * time.Hour
	}
}

// earliest returns the sooner of two times, where zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
