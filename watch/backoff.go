package watch

import (
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait after a failure: exponential, with jitter. It
// is a plain value without state; the caller counts the failures.
type Backoff struct {
	Base time.Duration // the longest wait after the first failure; zero: Max, or no wait where that is zero too
	Max  time.Duration // the longest wait ever; zero: no limit
}

// Ceiling returns the longest wait after so many failures in a row, which is
// consul-template's delay (COMPAT 4.10.4): Base, doubled for each failure
// after the first, at most Max.
func (b Backoff) Ceiling(failures int) time.Duration {
	d := b.Base
	if d <= 0 {
		return b.Max
	}
	for i := 1; i < failures; i++ {
		if b.Max > 0 && d >= b.Max || d > 1<<61 {
			break
		}
		d *= 2
	}
	if b.Max > 0 {
		return min(d, b.Max)
	}
	return d
}

// Delay returns a random wait of at most Ceiling(failures), never zero where
// that is not: full jitter, so that many clients of a store that comes back
// do not come at once.
func (b Backoff) Delay(failures int) time.Duration {
	c := b.Ceiling(failures)
	if c <= 0 {
		return 0
	}
	return 1 + rand.N(c)
}
