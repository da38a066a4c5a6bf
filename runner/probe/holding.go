package probe

import (
	"fmt"
	"time"
)

// A holding is how far a probe is. It is pure.
type holding struct {
	probe    Probe
	deadline time.Time // it must have begun to hold by then
	since    time.Time // when it began to; zero while it does not
	tries    int
	last     error // what was wrong last
}

// limit returns how long the try that begins now may take. One that is to find
// out whether it holds at all ends at the deadline.
func (h *holding) limit(now time.Time) time.Duration {
	if !h.since.IsZero() {
		return h.probe.Timeout
	}
	return min(h.probe.Timeout, h.deadline.Sub(now))
}

// heard takes what came of a try that has ended now, nil if it went well. It
// returns how long to wait until the next, or that it is over, and how it ended.
func (h *holding) heard(said error, now time.Time) (wait time.Duration, over bool, err error) {
	h.tries++
	if said == nil {
		if h.since.IsZero() {
			h.since = now
		}
		left := h.probe.For - now.Sub(h.since)
		return min(h.probe.Interval, left), left <= 0, nil
	}
	held, was := now.Sub(h.since), !h.since.IsZero()
	h.since = time.Time{}
	if h.last != nil && !was && !now.Before(h.deadline) {
		said = h.last // this try was cut off, which says nothing
	}
	h.last = said
	if now.Add(h.probe.Interval).Before(h.deadline) {
		return h.probe.Interval, false, nil
	}
	if was {
		return 0, true, fmt.Errorf("%v: held for %v of %v, then: %w", h.probe, round(held), h.probe.For, said)
	}
	return 0, true, fmt.Errorf("%v: tried for %v, %s: %w", h.probe, h.probe.Within, times(h.tries), said)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// round leaves out of a time what is of no use to a person.
func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
