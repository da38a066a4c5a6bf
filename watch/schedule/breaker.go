package schedule

import "time"

// A Breaker is a circuit breaker. It is closed while a store can be reached. A
// request that does not reach the store opens it: queries wait, and one request at
// a time, the probe, is sent when it is due. The first reply to any request closes
// the breaker.
//
// A Breaker is for one goroutine, which passes the time in and lets the queries
// wait. The zero value is closed.
type Breaker struct {
	Backoff Backoff // between probes; see Backoff.Probes
	Doubt   bool    // a probe is due as soon as the breaker opens: the cause may be one query

	failures int
	err      error
	next     time.Time
	probing  bool
}

// Open reports whether queries have to wait.
func (b *Breaker) Open() bool { return b.failures > 0 }

// Failures returns how many attempts in a row have not reached the store: the
// request that opened the breaker, and the probes since; 0 if it is closed. If more
// than 1, the cause is certainly not one query.
func (b *Breaker) Failures() int { return b.failures }

// Err returns the error of the newest of these attempts, nil while the breaker is
// closed.
func (b *Breaker) Err() error { return b.err }

// Fail records that a request other than a probe did not reach the store. It
// reports whether that opened the breaker. While the breaker is open, the failure
// does not count.
func (b *Breaker) Fail(err error, now time.Time) bool {
	if b.Open() {
		return false
	}
	b.count(err, now)
	if b.Doubt {
		b.next = now
	}
	return true
}

// Probe begins a probe if one is due, and reports whether it is to be sent. The
// probe ends with ProbeFailed, Reset or ProbeCancelled.
func (b *Breaker) Probe(now time.Time) bool {
	if next := b.NextProbe(); next.IsZero() || now.Before(next) {
		return false
	}
	b.probing = true
	return true
}

// NextProbe returns when the next probe is due, or the zero time: the breaker is
// closed, a probe is under way, or no attempt is left.
func (b *Breaker) NextProbe() time.Time {
	if !b.Open() || b.probing || b.Backoff.Spent(b.failures) {
		return time.Time{}
	}
	return b.next
}

// ProbeFailed records that the probe did not reach the store.
func (b *Breaker) ProbeFailed(err error, now time.Time) {
	b.probing = false
	if b.Open() {
		b.count(err, now)
	}
}

// ProbeCancelled records that the probe has no result. Another is due at once.
func (b *Breaker) ProbeCancelled() { b.probing = false }

// Reset closes the breaker, since the store has replied. It reports whether the
// breaker was open.
func (b *Breaker) Reset() bool {
	open := b.Open()
	*b = Breaker{Backoff: b.Backoff, Doubt: b.Doubt}
	return open
}

func (b *Breaker) count(err error, now time.Time) {
	b.failures++
	b.err = err
	b.next = now.Add(b.Backoff.Delay(b.failures))
}
