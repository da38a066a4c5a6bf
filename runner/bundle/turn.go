package bundle

import (
	"context"
	"fmt"
	"sync"
	"time"

	"restencil/runner/bundle/group"
	"restencil/runner/event"
)

// A Fleet has hosts make their changes in turn. Its methods may be called concurrently.
type Fleet interface {
	// Acquire waits until it is the turn of this host, which lasts until release. It
	// calls stopped with the reason when it finds that no host may go on, and with ""
	// when that is over.
	Acquire(ctx context.Context, stopped func(why string)) (release func(), err error)

	// Stop has no host go on that has not begun, until Resume.
	Stop(ctx context.Context, why string) error
	Resume(ctx context.Context) error
}

// stopping bounds how long a bundle tells the fleet to stop.
const stopping = 10 * time.Second

// A turn is that of a bundle among those of other hosts. For a nil turn there are no
// others. Only the goroutine of the bundle may use it.
type turn struct {
	spec   group.Spec
	fleet  Fleet
	events func(event.Event)

	granted chan func() // receives what releases it, from the goroutine that waits
	end     func()      // ends the waiting, and waits for that; nil: it does not wait
	release func()      // nil: it is not this bundle's turn
	failure error       // of the change that was made in it

	mu      sync.Mutex
	stopped string // why no host goes on
}

func newTurn(s group.Spec, shared *Shared) *turn {
	fleet := shared.State.Load().Fleet
	if s.Rolling.Limit == 0 || fleet == nil {
		return nil
	}
	return &turn{spec: s, fleet: fleet(s.Rolling), events: shared.Events, granted: make(chan func())}
}

// taken reports whether it is the turn of this bundle. If not, it begins to wait.
func (t *turn) taken(ctx context.Context) bool {
	if t == nil || t.release != nil {
		return true
	}
	if t.end == nil {
		ctx, cancel := context.WithCancel(ctx)
		var waiting sync.WaitGroup
		waiting.Go(func() { t.wait(ctx) })
		t.end = func() {
			cancel()
			waiting.Wait()
			t.end = nil
		}
	}
	return false
}

// waits reports whether the bundle waits for its turn.
func (t *turn) waits() bool { return t != nil && t.end != nil }

// turns receives what take is to be called with.
func (t *turn) turns() <-chan func() {
	if t == nil {
		return nil
	}
	return t.granted
}

// take begins the turn.
func (t *turn) take(release func()) {
	t.end()
	t.emit(event.WaitsForTurn{Over: true})
	t.release = release
}

// done ends the turn, if it is this bundle's. After a change that failed the fleet stops.
func (t *turn) done(ctx context.Context) {
	if t == nil || t.release == nil {
		return
	}
	if err := t.failure; err != nil && t.spec.Rolling.StopOnFailure {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
		defer cancel()
		if err := t.fleet.Stop(ctx, err.Error()); err != nil {
			t.emit(event.WaitsForTurn{Err: err})
		}
	}
	t.release()
	t.release, t.failure = nil, nil
}

// fail records that the files of the change that is being made were put in place, and
// were not good.
func (t *turn) fail(err error) {
	if t != nil {
		t.failure = err
	}
}

// resume has the fleet go on, if it is stopped.
func (t *turn) resume(ctx context.Context) (was bool, err error) {
	if t == nil {
		return false, nil
	}
	if !t.isStopped() {
		return false, nil
	}
	return true, t.fleet.Resume(ctx)
}

func (t *turn) isStopped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped != ""
}

// stop ends the waiting or the turn.
func (t *turn) stop(ctx context.Context) {
	if t.waits() {
		t.end()
	}
	t.done(ctx)
}

// wait waits for the turn.
func (t *turn) wait(ctx context.Context) {
	t.emit(event.WaitsForTurn{})
	release := t.acquire(ctx)
	if release == nil {
		return
	}
	select {
	case t.granted <- release:
	case <-ctx.Done():
		release()
	}
}

// acquire returns what ends the turn, nil if ctx ends before. It tries again after an
// error: a change must not be lost because Consul is away.
func (t *turn) acquire(ctx context.Context) (release func()) {
	waiting := ctx
	if limit := t.spec.Rolling.Timeout; limit > 0 {
		limited, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		waiting = limited
	}
	for failures := 1; ; failures++ {
		release, err := t.fleet.Acquire(waiting, t.setStopped)
		switch {
		case err == nil:
			t.setStopped("")
			return release
		case ctx.Err() != nil:
			return nil
		case waiting.Err() != nil:
			waiting, failures = ctx, 0
			switch proceeds := t.spec.Rolling.Proceed; {
			case t.isStopped(): // somebody has to look at it
			case proceeds:
				t.emit(event.WaitsForTurn{TimedOut: true, Proceeds: true})
				return func() {}
			default:
				t.emit(event.WaitsForTurn{TimedOut: true})
			}
			continue
		}
		retry := group.Delay(t.spec.Retry, failures)
		t.emit(event.WaitsForTurn{Err: err, RetryIn: retry})
		select {
		case <-time.After(retry):
		case <-waiting.Done():
		}
	}
}

// setStopped records why no host goes on, "" for nothing, and reports it as a change
// that is held.
func (t *turn) setStopped(why string) {
	t.mu.Lock()
	was := t.stopped
	t.stopped = why
	t.mu.Unlock()
	switch {
	case why == was:
	case why != "":
		t.events(event.BundleHeld{Bundle: t.spec.Name, Reason: fmt.Sprintf("no host goes on with %s: %s", t.spec.Rolling.Key, why)})
	default:
		t.events(event.BundleReleased{Bundle: t.spec.Name})
	}
}

func (t *turn) emit(e event.WaitsForTurn) {
	e.Bundle, e.Rolling = t.spec.Name, fmt.Sprintf("at most %d at a time, key %s", t.spec.Rolling.Limit, t.spec.Rolling.Key)
	t.events(e)
}
