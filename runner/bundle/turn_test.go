package bundle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"restencil/runner/bundle/group"
	"restencil/runner/bundle/turn"
	"restencil/runner/event"
)

// A fakeFleet gives a turn when the test says so.
type fakeFleet struct {
	g     *rig
	turns chan error // each ends one Acquire
	why   chan string
	away  error // what Stop returns; guarded by g.mu
	asked int   // how often Holders was called; guarded by g.mu
	lost  bool  // the turn that was given is over; guarded by g.mu
}

func (f *fakeFleet) Acquire(ctx context.Context, stopped func(string)) (turn.Place, error) {
	f.g.note("acquire")
	for {
		select {
		case err := <-f.turns:
			if err != nil {
				return nil, err
			}
			f.g.set(func() { f.lost = false })
			return f, nil
		case why := <-f.why:
			stopped(why)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Release implements turn.Place.
func (f *fakeFleet) Release() { f.g.note("release") }

// Held implements turn.Place.
func (f *fakeFleet) Held(context.Context) error {
	f.g.mu.Lock()
	defer f.g.mu.Unlock()
	if f.lost {
		return errors.New("its session has ended")
	}
	return nil
}

func (f *fakeFleet) Holders(context.Context) ([]string, error) {
	f.g.set(func() { f.asked++ })
	return []string{"one", "two"}, nil
}

func (f *fakeFleet) Stop(_ context.Context, why string) error {
	f.g.note("stop: " + why)
	f.g.mu.Lock()
	defer f.g.mu.Unlock()
	return f.away
}

func (f *fakeFleet) Resume(context.Context) error {
	f.g.note("resume")
	f.why <- ""
	return nil
}

// rolling starts a bundle that waits for its turn.
func rolling(t *testing.T, r group.Rolling) (*rig, *fakeFleet) { return rollingOnce(t, 0, r) }

// rollingOnce starts one that gives up after so many attempts.
func rollingOnce(t *testing.T, attempts int, r group.Rolling) (*rig, *fakeFleet) {
	g := newRig(t)
	g.attempts = attempts
	f := &fakeFleet{g: g, turns: make(chan error), why: make(chan string)}
	s := g.spec(group.Together)
	s.Rolling, s.Rollback = r, true
	s.Verify = probes("verify")
	g.fleet = func(group.Rolling) turn.Fleet { return f }
	g.begin(s)
	return g, f
}

// A change waits for its turn, with the newest outputs, and releases it.
func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := rolling(t, group.Rolling{Limit: 2, Key: "k"})
		g.offer("a1", "b1")
		sleep(time.Hour)
		g.offer("a2", "b2")
		g.happened("acquire")
		g.holds()
		f.turns <- nil
		sleep(time.Second)
		g.happened("run reload", "run verify", "release")
		g.holds("a2", "b2")

		// An error is tried again.
		g.offer("a3")
		f.turns <- errors.New("no leader")
		sleep(2 * time.Second)
		f.turns <- nil
		sleep(time.Second)
		g.happened("acquire", "acquire", "run reload", "run verify", "release")

		// A change that is taken back needs no turn.
		g.offer("a4")
		g.offer("a3")
		f.turns <- nil
		sleep(time.Second)
		g.happened("acquire", "release")
		g.end()

		// The next process finds that all is done, and needs none.
		g.begin(g.bundle.spec)
		g.offer("a3", "b2")
		sleep(time.Hour)
		g.happened()
		g.offer("a4")
		g.happened("acquire")
		g.end() // while it waits
		g.holds("a3", "b2")
	})
}

// A host that loses its turn while it checks, such as by an outage of Consul, does not
// change beside the one whose turn it is then.
func TestTurnLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := rolling(t, group.Rolling{Limit: 1, Key: "k"})
		defer g.end()
		s := g.bundle.spec
		s.Check = cmd("check")
		g.replace(s)
		g.set(func() { g.onRun = func(string) { g.set(func() { f.lost, g.onRun = true, func(string) {} }) } })
		g.offer("a1", "b1")
		f.turns <- nil
		sleep(time.Second)
		g.happened("acquire", "run check", "release", "acquire")
		g.holds()
		f.turns <- nil
		sleep(time.Second)
		g.happened("run check", "run reload", "run verify", "release")
		g.holds("a1", "b1")
	})
}

// A reload may give another fleet, whose token is right, to a bundle that waits, or take
// it away.
func TestTurnOfAnotherFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := rolling(t, group.Rolling{Limit: 2, Key: "k"})
		defer g.end()
		g.offer("a1", "b1")
		f.turns <- errors.New("permission denied")
		other := &fakeFleet{g: g, turns: make(chan error), why: make(chan string)}
		g.shared.State.Store(&State{Journal: g.journal, Fleet: func(group.Rolling) turn.Fleet { return other }})
		sleep(2 * time.Second)
		other.turns <- nil
		sleep(time.Second)
		g.happened("acquire", "acquire", "run reload", "run verify", "release")

		g.offer("a2")
		other.turns <- errors.New("permission denied")
		g.shared.State.Store(&State{Journal: g.journal})
		sleep(3 * time.Second)
		g.happened("acquire", "run reload", "run verify")
		g.holds("a2", "b1")
		g.offer("a3")
		sleep(time.Second)
		g.happened("run reload", "run verify")
	})
}

func TestTurnTimeout(t *testing.T) {
	for _, proceed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g, f := rolling(t, group.Rolling{Limit: 2, Key: "k", Timeout: time.Minute, Proceed: proceed})
			defer g.end()
			g.offer("a1", "b1")
			sleep(2 * time.Minute)
			if proceed {
				g.happened("acquire", "run reload", "run verify")
				return
			}
			g.happened("acquire", "acquire")
			f.turns <- nil
			sleep(time.Second)
			g.happened("run reload", "run verify", "release")
		})
	}
}

// While a change waits, it is known whose turn it is; a thousand hosts that wait do not ask
// for long lists all the time.
func TestOthersAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := rolling(t, group.Rolling{Limit: 2, Key: "k"})
		defer g.end()
		g.offer("a1", "b1")
		sleep(time.Hour)
		var shown []string
		g.set(func() {
			if f.asked < 10 || f.asked > 20 {
				t.Errorf("asked %d times within an hour", f.asked)
			}
			for _, e := range g.events {
				if e, ok := e.(event.WaitsForTurn); ok && e.Holders != "" {
					shown = append(shown, e.Holders)
				}
			}
		})
		if len(shown) != 1 || shown[0] != "one, two" {
			t.Errorf("shown were %q, want what changes only: one, two", shown)
		}
		f.turns <- nil
		sleep(time.Second)
		g.happened("acquire", "run reload", "run verify", "release")
	})
}

// A change that fails stops the others, until somebody accepts.
func TestStoppedFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := rolling(t, group.Rolling{Limit: 2, Key: "k", StopOnFailure: true, Timeout: time.Minute, Proceed: true})
		defer g.end()
		g.offer("a1", "b1")
		f.turns <- nil
		sleep(time.Second)
		g.happened("acquire", "run reload", "run verify", "release")

		g.set(func() { g.fails["verify"] = errNo })
		g.offer("a2")
		f.turns <- nil
		sleep(time.Second)
		g.happened("acquire", "run reload", "run verify", "run reload", "verify failed, rolled back",
			`stop: verify failed: command "verify": tried for 1ns, once: exit status 1: "verify says no"`, "release")
		g.holds("a1", "b1")

		g.set(func() { clear(g.fails) })
		g.offer("a3")
		f.why <- "other: verify failed"
		sleep(time.Hour) // no timeout counts
		g.happened("acquire", "held: no host goes on with k: other: verify failed", "acquire")
		if err := g.bundle.Accept(t.Context(), "web"); err != nil {
			t.Error(err)
		}
		f.turns <- nil
		sleep(time.Second)
		g.happened("resume", "released", "run reload", "run verify", "release")
		g.holds("a3", "b1")
	})
}

// What fails without a turn, such as a rollback by hand, is nothing that the other hosts
// wait for, then or after the next change.
func TestRollbackStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := rolling(t, group.Rolling{Limit: 2, Key: "k", StopOnFailure: true})
		defer g.end()
		for _, a := range []string{"a1", "a2"} {
			g.offer(a, "b1")
			f.turns <- nil
			sleep(time.Second)
			g.happened("acquire", "run reload", "run verify", "release")
		}
		g.set(func() { g.fails["verify"] = errNo })
		if _, err := g.bundle.Rollback(t.Context(), 1); err == nil {
			t.Error("a rollback whose verify fails has no error")
		}
		synctest.Wait()
		g.set(func() { clear(g.fails); g.log = nil })
		g.offer("a3")
		f.turns <- nil
		sleep(time.Second)
		g.happened("released", "acquire", "run reload", "run verify", "release")
	})
}

// The other hosts are stopped also if Consul is away at the moment of the failure: before
// this host makes its next attempt.
func TestStopIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := rolling(t, group.Rolling{Limit: 2, Key: "k", StopOnFailure: true})
		defer g.end()
		g.offer("a1", "b1")
		f.turns <- nil
		sleep(time.Second)
		g.set(func() { g.fails["verify"], f.away, g.log = errNo, errors.New("no leader"), nil })
		g.offer("a2")
		f.turns <- nil
		sleep(time.Second)
		const stop = `stop: verify failed: command "verify": tried for 1ns, once: exit status 1: "verify says no"`
		g.happened("acquire", "run reload", "run verify", "run reload", "verify failed, rolled back", stop, "release")
		sleep(time.Minute)
		g.set(func() {
			if len(g.log) == 0 || slices.ContainsFunc(g.log, func(line string) bool { return line != stop }) {
				t.Errorf("while Consul was away:\n%s\nwant only: %s", strings.Join(g.log, "\n"), stop)
			}
			f.away, g.log = nil, nil
		})
		sleep(time.Minute)
		g.happened(stop, "acquire")
	})
}

// A run that is to end gives up.
func TestTurnRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, f := rollingOnce(t, 2, group.Rolling{Limit: 2, Key: "k"})
		defer g.end()
		g.offer("a1", "b1")
		for range 3 {
			f.turns <- errors.New("permission denied")
			sleep(time.Minute)
		}
		g.set(func() { slices.Sort(g.log) }) // it waits again while it reports
		g.happened("acquire", "acquire", "acquire", "acquire", `fatal: bundle "web" has no turn: permission denied (gave up after 3 attempts)`)
		g.holds()
	})
}
