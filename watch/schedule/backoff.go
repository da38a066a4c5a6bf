package schedule

import (
	"math/rand/v2"
	"time"
)

// Backoff is exponential backoff with jitter. It is a plain value without state;
// the caller counts the failures.
type Backoff struct {
	Base time.Duration // the longest delay after the first failure; zero means Max
	Max  time.Duration // the longest delay; zero means no limit, or no delay if Base is zero too

	// Attempts is the number of retries, none if negative. Zero means no limit.
	// With a limit there is no jitter, so that all attempts take as long as in
	// consul-template.
	Attempts int
}

// Ceiling returns the longest delay after that many failures in a row: Base,
// doubled for each failure after the first, at most Max. That is consul-template's
// delay (COMPAT 4.10.4).
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

// Spent reports whether no attempt is left after that many failures in a row.
func (b Backoff) Spent(failures int) bool {
	return b.Attempts != 0 && failures > max(b.Attempts, 0)
}

// Delay returns the delay after that many failures in a row: Ceiling if attempts
// are limited, else a random part of it, greater than zero unless it is zero. This
// is full jitter: many clients of a store that comes back do not come at once.
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

// After is Delay, but at least retryAfter, as in a reply's Retry-After; zero if the
// reply has none.
func (b Backoff) After(failures int, retryAfter time.Duration) time.Duration {
	if retryAfter > 0 {
		return retryAfter + b.Delay(1)
	}
	return b.Delay(failures)
}

const maxProbeDelay = 2 * time.Second // unless Base is longer

// Probes returns the backoff of probes of a store that cannot be reached, given
// that of queries: with short delays, so that its return is noticed soon. It
// returns b if attempts are limited.
func (b Backoff) Probes() Backoff {
	if b.Attempts != 0 {
		return b
	}
	longest := max(maxProbeDelay, b.Base)
	if b.Max > 0 {
		longest = min(longest, b.Max)
	}
	return Backoff{Base: b.Base, Max: longest}
}
