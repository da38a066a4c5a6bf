package requester

import (
	"context"
	"sync"
	"time"

	"restencil/watch/schedule"
)

// A breaker is a circuit breaker for an agent, or for the servers of a datacenter.
// While it is open, queries wait, except for one at a time that probes.
type breaker struct {
	mu      sync.Mutex
	state   schedule.Breaker
	changed chan struct{} // closed and replaced to wake the queries that wait
}

func newBreaker(retry schedule.Backoff) *breaker {
	return &breaker{state: schedule.Breaker{Backoff: retry.Probes()}, changed: make(chan struct{})}
}

// failed returns how many attempts in a row have failed, and the last error; 0 and nil
// while the breaker is closed.
func (b *breaker) failed() (attempts int, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Failures(), b.state.Err()
}

// A pass lets a query through a breaker. Its holder calls settle with the outcome.
// Settling the zero pass does nothing.
type pass struct {
	b     *breaker
	probe bool
}

// enter waits until the breaker is closed, the caller may probe, or limit is over; zero
// is no limit. It calls spent, unless that is nil, if it waits although no attempt is left.
// The error is that of ctx.
func (b *breaker) enter(ctx context.Context, limit time.Duration, spent func()) (pass, error) {
	var over <-chan time.Time // nil: never
	if limit > 0 {
		over = time.After(limit)
	}
	for ctx.Err() == nil {
		b.mu.Lock()
		probe := b.state.Probe(time.Now())
		closed, next, changed := !b.state.Open(), b.state.NextProbe(), b.changed
		none := b.state.Backoff.Spent(b.state.Failures())
		b.mu.Unlock()
		if closed || probe {
			return pass{b, probe}, nil
		}
		if none && spent != nil {
			spent()
		}
		select {
		case <-changed:
		case <-schedule.At(next):
		case <-over:
			return pass{b: b}, nil
		case <-ctx.Done():
		}
	}
	return pass{}, ctx.Err()
}

// An outcome is what an attempt shows about an agent, or the servers.
type outcome int

const (
	unclear outcome = iota // nothing, for example because it was cancelled
	works
	fails
)

// settle reports the outcome of an attempt to the breaker.
func (p pass) settle(o outcome, err error) {
	if p.b == nil {
		return
	}
	b := p.b
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := p.probe
	switch {
	case o == works:
		changed = b.state.Reset() || changed
	case p.probe && o == fails:
		b.state.ProbeFailed(err, time.Now())
	case p.probe:
		b.state.ProbeCancelled()
	case o == fails:
		changed = b.state.Fail(err, time.Now())
	}
	if changed {
		close(b.changed)
		b.changed = make(chan struct{})
	}
}
