// Package turn has bundles wait for their turn: a [Queue] among those of a process, a
// [Fleet] among those of other hosts.
package turn

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"restencil/runner/bundle/group"
	"restencil/runner/event"
)

// A Fleet has hosts make their changes in turn. Its methods may be called concurrently.
type Fleet interface {
	// Acquire waits until it is the turn of this host. It calls stopped with the reason
	// when it finds that no host may go on, and with "" when that is over.
	Acquire(ctx context.Context, stopped func(why string)) (Place, error)

	// Holders returns whose turn it is.
	Holders(ctx context.Context) ([]string, error)

	// Stop has no host go on that has not begun, until Resume.
	Stop(ctx context.Context, why string) error
	Resume(ctx context.Context) error
}

// A Place is the turn of a host, which lasts until Release.
type Place interface {
	Release()
	Held(ctx context.Context) error // returns why the turn is over, or may be
}

const (
	stopping = 10 * time.Second // bounds how long a bundle tells the fleet to stop
	asking   = 30 * time.Second // when a bundle that waits asks again whose turn it is; doubled
	rarely   = 5 * time.Minute  // up to this: each reply lists all hosts that wait
)

// A Turn is that of a bundle among those of other hosts. For a nil Turn there are no
// others. Only the goroutine of the bundle may use it.
type Turn struct {
	spec     group.Spec
	attempts int
	fleets   func() func(group.Rolling) Fleet
	events   func(event.Event)

	granted chan func() error // receives what ends the waiting, from the goroutine that waits
	end     func()            // ends the waiting, and waits for that; nil: it does not wait
	place   Place             // nil: it is not this bundle's turn
	failure error             // of a change that was made in it, for which the fleet is to stop

	mu      sync.Mutex
	stopped string // why no host goes on
}

// New returns the turn of a bundle; nil if it does not wait for other hosts. It gives up
// when it could not be asked for more than attempts times in a row; 0: never. A reload may
// change what fleets returns, such as the token; nil: there are no other hosts.
func New(s group.Spec, attempts int, fleets func() func(group.Rolling) Fleet, events func(event.Event)) *Turn {
	if s.Rolling.Limit == 0 {
		return nil
	}
	return &Turn{spec: s, attempts: attempts, fleets: fleets, events: events, granted: make(chan func() error)}
}

// fleet returns the fleet of now.
func (t *Turn) fleet() Fleet {
	if of := t.fleets(); of != nil {
		return of(t.spec.Rolling)
	}
	return alone{}
}

// Alone is the fleet of one host.
type alone struct{}

func (alone) Acquire(context.Context, func(string)) (Place, error) { return alone{}, nil }
func (alone) Release()                                             {}
func (alone) Held(context.Context) error                           { return nil }
func (alone) Holders(context.Context) ([]string, error)            { return nil, nil }
func (alone) Stop(context.Context, string) error                   { return nil }
func (alone) Resume(context.Context) error                         { return nil }

// Taken reports whether it is the turn of this bundle. If not, it begins to wait.
func (t *Turn) Taken(ctx context.Context) bool {
	if t == nil || t.place != nil {
		return true
	}
	if t.end == nil {
		if t.fleets() == nil {
			return true
		}
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

// Waits reports whether the bundle waits for its turn.
func (t *Turn) Waits() bool { return t != nil && t.end != nil }

// Granted receives a function that begins the turn, or returns why there will be none.
func (t *Turn) Granted() <-chan func() error {
	if t == nil {
		return nil
	}
	return t.granted
}

// Held reports whether no other host may have this bundle's turn. Outside of a turn it is
// true.
func (t *Turn) Held(ctx context.Context) bool {
	if t == nil || t.place == nil {
		return true
	}
	err := t.place.Held(ctx)
	if err != nil {
		t.emit(event.WaitsForTurn{Err: fmt.Errorf("its turn ended before the files were in place: %w", err), RetryIn: time.Nanosecond})
	}
	return err == nil
}

// Done ends the turn, if it is this bundle's. After a change that failed the fleet stops.
func (t *Turn) Done(ctx context.Context) {
	if t == nil || t.place == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	if err := t.stopOthers(ctx); err != nil {
		t.emit(event.WaitsForTurn{Err: err})
	}
	t.place.Release()
	t.place = nil
	t.emit(event.WaitsForTurn{Over: true})
}

// stopOthers stops the fleet if a change has failed. After an error it is to be called
// again.
func (t *Turn) stopOthers(ctx context.Context) error {
	if t.failure == nil {
		return nil
	}
	if err := t.fleet().Stop(ctx, t.failure.Error()); err != nil {
		return err
	}
	t.failure = nil
	return nil
}

// Fail records that the files of the change that is being made were put in place, and
// were not good. Outside of a turn it does nothing.
func (t *Turn) Fail(err error) {
	if t != nil && t.place != nil && t.spec.Rolling.StopOnFailure {
		t.failure = err
	}
}

// Resume has the fleet go on, if it is stopped.
func (t *Turn) Resume(ctx context.Context) (was bool, err error) {
	if t == nil || !t.isStopped() {
		return false, nil
	}
	return true, t.fleet().Resume(ctx)
}

func (t *Turn) isStopped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped != ""
}

// Stop ends the waiting or the turn.
func (t *Turn) Stop(ctx context.Context) {
	if t.Waits() {
		t.end()
	}
	t.Done(ctx)
}

// wait waits for the turn.
func (t *Turn) wait(ctx context.Context) {
	t.emit(event.WaitsForTurn{})
	asking, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	others.Go(func() { t.showOthers(asking) })
	place, err := t.acquire(ctx)
	cancel()
	others.Wait()
	if place == nil && err == nil {
		return
	}
	begin := func() error {
		t.end()
		t.emit(event.WaitsForTurn{Over: true, Has: err == nil})
		t.place = place
		return err
	}
	select {
	case t.granted <- begin:
	case <-ctx.Done():
		if place != nil {
			place.Release()
		}
	}
}

// showOthers reports whose turn it is, again and again.
func (t *Turn) showOthers(ctx context.Context) {
	shown := ""
	for pause := asking; ; pause = min(2*pause, rarely) {
		names, err := t.fleet().Holders(ctx)
		if text := strings.Join(names, ", "); err == nil && text != shown {
			shown = text
			t.emit(event.WaitsForTurn{Holders: text})
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// acquire waits for the turn, or until ctx ends, and then returns nil. It tries again
// after an error: a change must not be lost because Consul is away.
func (t *Turn) acquire(ctx context.Context) (Place, error) {
	waiting := ctx
	if limit := t.spec.Rolling.Timeout; limit > 0 {
		limited, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		waiting = limited
	}
	for failures := 1; ; failures++ {
		var place Place
		err := t.stopOthers(waiting)
		if err == nil {
			place, err = t.fleet().Acquire(waiting, t.setStopped)
		}
		switch {
		case err == nil:
			t.setStopped("")
			return place, nil
		case ctx.Err() != nil:
			return nil, nil
		case waiting.Err() != nil:
			waiting, failures = ctx, 0
			switch proceeds := t.spec.Rolling.Proceed; {
			case t.isStopped(): // somebody has to look at it
			case proceeds:
				t.emit(event.WaitsForTurn{TimedOut: true, Proceeds: true})
				return alone{}, nil
			default:
				t.emit(event.WaitsForTurn{TimedOut: true})
			}
			continue
		case t.attempts != 0 && failures > t.attempts:
			return nil, fmt.Errorf("bundle %q has no turn: %w (gave up after %d attempts)", t.spec.Name, err, failures)
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
func (t *Turn) setStopped(why string) {
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

func (t *Turn) emit(e event.WaitsForTurn) {
	e.Bundle, e.Rolling = t.spec.Name, fmt.Sprintf("at most %d at a time, key %s", t.spec.Rolling.Limit, t.spec.Rolling.Key)
	t.events(e)
}
