package consul

import (
	"context"
	"sync"
	"time"

	"restencil/watch/schedule"
)

// A breaker is a circuit breaker for what many queries share: an agent, or the
// servers of a datacenter. While it is open, queries wait, but for one at a time
// that probes.
type breaker struct {
	mu      sync.Mutex
	state   schedule.Breaker
	changed chan struct{} // closed, and replaced, when queries have to look again
}

func newBreaker(retry schedule.Backoff) *breaker {
	return &breaker{state: schedule.Breaker{Backoff: retry.Probes()}, changed: make(chan struct{})}
}

// err returns why the breaker is open, nil where it is not.
func (b *breaker) err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Err()
}

// failures returns how many attempts in a row have failed.
func (b *breaker) failures() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Failures()
}

// A pass lets a query through a breaker. Whoever gets one calls settle when the
// outcome is known. Settling the zero pass does nothing.
type pass struct {
	b     *breaker
	probe bool
}

// enter waits until the breaker is closed or the caller may probe, but no longer
// than limit, after which it lets the caller through all the same; zero is no
// limit. The error is that of ctx.
func (b *breaker) enter(ctx context.Context, limit time.Duration) (pass, error) {
	over := timeout(limit)
	for {
		p, next, changed, ok := b.look()
		if ok {
			return p, ctx.Err()
		}
		due := timeout(next)
		select {
		case <-changed:
		case <-due:
		case <-over:
			return pass{b: b}, ctx.Err()
		case <-ctx.Done():
			return pass{}, ctx.Err()
		}
	}
}

// look returns a pass, if there is one now, or how long it takes until there may
// be; zero: until changed is closed.
func (b *breaker) look() (p pass, next time.Duration, changed <-chan struct{}, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if !b.state.Open() {
		return pass{b: b}, 0, nil, true
	}
	if b.state.Probe(now) {
		return pass{b: b, probe: true}, 0, nil, true
	}
	if at := b.state.NextProbe(); !at.IsZero() {
		next = max(1, at.Sub(now))
	}
	return pass{}, next, b.changed, false
}

// timeout returns what receives after d; zero is never.
func timeout(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	return time.After(d)
}

// An outcome is what an attempt has shown of what many queries share.
type outcome int

const (
	unclear outcome = iota // nothing, say because it was cancelled
	works
	fails
)

// settle tells the breaker what came of an attempt.
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
