package schedule

import "time"

// A Breaker is a circuit breaker. It is closed while a store can be reached:
// every query may ask. A request that does not reach the store opens it. Then
// queries wait, but for one request at a time, the probe, which is sent when it
// is due; the first reply, to whatever request, closes the breaker.
//
// A Breaker is a plain value for one goroutine: its owner passes the time in,
// and lets the queries wait. The zero value is closed.
type Breaker struct {
	Backoff Backoff // from one probe to the next; see Backoff.Probes

	// Doubt has a probe be due as soon as the breaker opens: what failed may be
	// the trouble of one query alone.
	Doubt bool

	failures int
	err      error
	since    time.Time
	next     time.Time
	probing  bool
}

// Open reports whether queries have to wait.
func (b *Breaker) Open() bool { return b.failures > 0 }

// Failures returns how many attempts in a row have not reached the store: the
// request that opened the breaker, and the probes after it. Zero: it is closed.
// From 2 up it is certain that the trouble is not that of one query.
func (b *Breaker) Failures() int { return b.failures }

// Err returns what the newest of these attempts said, nil while the breaker is
// closed.
func (b *Breaker) Err() error { return b.err }

// Since returns when the breaker opened, the zero time while it is closed.
func (b *Breaker) Since() time.Time { return b.since }

// Fail notes that a request which was no probe has not reached the store. It
// reports whether that opened the breaker. While that is open the failure is an
// echo of what is known, and does not count.
func (b *Breaker) Fail(err error, now time.Time) bool {
	if b.Open() {
		return false
	}
	b.since = now
	b.count(err, now)
	if b.Doubt {
		b.next = now
	}
	return true
}

// Probe begins a probe, and reports whether it may be sent: the breaker is open,
// no other probe is under way, it is time for one, and there are attempts left.
// Its end is told with ProbeFailed, Reset or ProbeCancelled.
func (b *Breaker) Probe(now time.Time) bool {
	if next := b.NextProbe(); next.IsZero() || now.Before(next) {
		return false
	}
	b.probing = true
	return true
}

// NextProbe returns when the next probe may be sent, the zero time where none
// may: the breaker is closed, a probe is under way, or no attempt is left.
func (b *Breaker) NextProbe() time.Time {
	if !b.Open() || b.probing || b.Backoff.Spent(b.failures) {
		return time.Time{}
	}
	return b.next
}

// ProbeFailed notes that the probe has not reached the store.
func (b *Breaker) ProbeFailed(err error, now time.Time) {
	b.probing = false
	if b.Open() {
		b.count(err, now)
	}
}

// ProbeCancelled notes that the probe has shown nothing. Another may be sent at
// once.
func (b *Breaker) ProbeCancelled() { b.probing = false }

// Reset closes the breaker, and reports whether it was open: the store has
// replied.
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
