package schedule

import (
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait after a failure: exponential, with jitter. It
// is a plain value without state; the caller counts the failures.
type Backoff struct {
	Base time.Duration // the longest wait after the first failure; zero: Max, or no wait where that is zero too
	Max  time.Duration // the longest wait ever; zero: no limit

	// Attempts is how often what fails is tried again, below 0 not at all. Where
	// they are counted so, each wait is the longest, which is consul-template's:
	// so many attempts take as long as they do there. Zero: without end, and
	// with jitter.
	Attempts int
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

// Spent reports whether there is no other attempt after so many failures in a
// row.
func (b Backoff) Spent(failures int) bool {
	return b.Attempts != 0 && failures > max(b.Attempts, 0)
}

// Delay returns how long to wait after so many failures in a row: Ceiling where
// attempts are counted; else at random, at most that and never zero where that is
// not. This is full jitter, so that many clients of a store that comes back do not
// come at once.
func (b Backoff) Delay(failures int) time.Duration {
	c := b.Ceiling(failures)
	if c <= 0 {
		return 0
	}
	if b.Attempts != 0 {
		return c
	}
	return 1 + rand.N(c)
}

// After is Delay, but at least what the store asked for with Retry-After, which
// is zero where it did not.
func (b Backoff) After(failures int, retryAfter time.Duration) time.Duration {
	if retryAfter > 0 {
		return retryAfter + b.Delay(1)
	}
	return b.Delay(failures)
}

const probePause = 2 * time.Second // the longest wait between two probes, unless Base is longer

// Probes returns how often to try a store that cannot be reached, given how
// often to retry a query: rarely at first, but never so rarely that the store's
// return goes unnoticed for long. Where attempts are counted it is b.
func (b Backoff) Probes() Backoff {
	if b.Attempts != 0 {
		return b
	}
	longest := max(probePause, b.Base)
	if b.Max > 0 {
		longest = min(longest, b.Max)
	}
	return Backoff{Base: b.Base, Max: longest}
}
