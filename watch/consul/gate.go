package consul

import (
	"context"
	"sync"
	"time"

	"restencil/watch/schedule"
)

// probePause is the longest pause between two tries of something that is away
// altogether, unless Retry.Base is longer.
const probePause = 2 * time.Second

// An outage is what is known of the trouble of something that many queries
// share: an agent, or the servers of a datacenter. It is a plain value and
// decides; a gate acts. The zero outage is none.
type outage struct {
	failures int       // tries that failed in a row; 0: there is no outage
	next     time.Time // when to try again
	err      error     // what the first failure said
}

// failed returns the outage after a failure. Only the first failure and those
// of probes count: the others are echoes of the same event.
func (o outage) failed(err error, probe bool, now time.Time, pace schedule.Backoff) outage {
	switch {
	case o.failures == 0:
		o.err = err
	case !probe:
		return o
	}
	o.failures++
	o.next = now.Add(pace.Delay(o.failures))
	return o
}

// probePace returns how often to try what is away, given how often to retry
// what merely fails: seldom at first, but never so seldom that its return
// would go unnoticed for long.
func probePace(retry schedule.Backoff) schedule.Backoff {
	longest := max(probePause, retry.Base)
	if retry.Max > 0 {
		longest = min(longest, retry.Max)
	}
	return schedule.Backoff{Base: retry.Base, Max: longest}
}

// A gate holds back queries during an outage, but for one at a time that
// probes. It opens for all at the first success.
type gate struct {
	pace schedule.Backoff
	turn chan struct{} // capacity 1: holds the right to probe while nobody has it

	mu     sync.Mutex
	outage outage
	opened chan struct{} // closed as long as there is no outage
}

func newGate(pace schedule.Backoff) *gate {
	g := &gate{pace: pace, turn: make(chan struct{}, 1), opened: make(chan struct{})}
	g.turn <- struct{}{}
	close(g.opened)
	return g
}

// down returns what began the outage, nil while there is none.
func (g *gate) down() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.outage.err
}

// A pass lets a query through a gate. Whoever gets one calls settle when the
// outcome is known. Settling the zero pass does nothing.
type pass struct {
	g     *gate
	probe bool
}

// enter waits until the gate is open or it is the caller's turn to probe, but
// no longer than patience, after which it lets the caller through all the
// same; zero patience is endless. The error is that of ctx.
func (g *gate) enter(ctx context.Context, patience time.Duration) (pass, error) {
	opened := g.state()
	select {
	case <-opened: // the usual case, and not one for a probe
		return pass{g: g}, ctx.Err()
	default:
	}
	limited := ctx
	if patience > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	select {
	case <-opened:
	case <-limited.Done():
	case <-g.turn:
		if g.due(limited, opened) {
			return pass{g: g, probe: true}, nil
		}
		g.turn <- struct{}{}
	}
	return pass{g: g}, ctx.Err()
}

// due waits until it is time for the next probe, and tells whether one is
// still wanted then.
func (g *gate) due(ctx context.Context, opened <-chan struct{}) bool {
	t := time.NewTimer(g.untilProbe())
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-opened:
	case <-ctx.Done():
	}
	return false
}

func (g *gate) state() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opened
}

func (g *gate) untilProbe() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Until(g.outage.next)
}

// open ends the outage.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.outage.failures > 0 {
		g.outage = outage{}
		close(g.opened)
	}
}

func (g *gate) fail(err error, probe bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.outage.failures == 0 {
		g.opened = make(chan struct{})
	}
	g.outage = g.outage.failed(err, probe, time.Now(), g.pace)
}

// An outcome is what an attempt has shown of what lies behind a gate.
type outcome int

const (
	unclear outcome = iota // nothing, say because it was cancelled
	works
	fails
)

// settle tells the gate what came of it and gives back the turn to probe.
func (p pass) settle(o outcome, err error) {
	if p.g == nil {
		return
	}
	switch o {
	case works:
		p.g.open()
	case fails:
		p.g.fail(err, p.probe)
	}
	if p.probe {
		p.g.turn <- struct{}{}
	}
}
