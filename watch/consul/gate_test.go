package consul

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/watch/schedule"
)

func TestOutage(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	first, second := errors.New("first"), errors.New("second")
	pace := schedule.Backoff{Base: time.Second, Max: 4 * time.Second}
	for _, test := range []struct {
		name     string
		before   outage
		probe    bool
		failures int
		longest  time.Duration // until the next try
		err      error
	}{
		{"begins", outage{}, false, 1, time.Second, second},
		{"begins with a probe of an earlier one", outage{}, true, 1, time.Second, second},
		{"a probe fails", outage{1, now, first}, true, 2, 2 * time.Second, first},
		{"many probes failed", outage{9, now, first}, true, 10, 4 * time.Second, first},
		{"an echo", outage{3, now, first}, false, 3, 0, first},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := test.before.failed(second, test.probe, now, pace)
			wait := o.next.Sub(now)
			if o.failures != test.failures || o.err != test.err || wait > test.longest || wait == 0 && test.longest > 0 {
				t.Errorf("%+v; want %d failures, a wait of at most %v and error %v", o, test.failures, test.longest, test.err)
			}
		})
	}
}

func TestProbePace(t *testing.T) {
	for _, test := range []struct{ retry, want schedule.Backoff }{
		{DefaultOptions().Retry, schedule.Backoff{Base: 250 * time.Millisecond, Max: 2 * time.Second}},
		{schedule.Backoff{Base: time.Second}, schedule.Backoff{Base: time.Second, Max: 2 * time.Second}},
		{schedule.Backoff{Base: 10 * time.Second, Max: time.Minute}, schedule.Backoff{Base: 10 * time.Second, Max: 10 * time.Second}},
		{schedule.Backoff{Base: time.Second, Max: time.Second}, schedule.Backoff{Base: time.Second, Max: time.Second}},
		{schedule.Backoff{Max: time.Minute}, schedule.Backoff{Max: 2 * time.Second}},
	} {
		if got := probePace(test.retry); got != test.want {
			t.Errorf("probePace(%v) = %v, want %v", test.retry, got, test.want)
		}
	}
}

// TestGate has a hundred callers at something that is away for a minute.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := probePace(DefaultOptions().Retry)
		g := newGate(pace)
		start := time.Now()
		const away = time.Minute
		var probing, probes atomic.Int32
		g.fail(errors.New("away"), false)
		for range 100 {
			go func() {
				for {
					p, err := g.enter(t.Context(), 0)
					if err != nil {
						t.Error(err)
					}
					if !p.probe {
						break // the gate is open
					}
					if probing.Add(1) > 1 {
						t.Error("two probes at once")
					}
					probes.Add(1)
					time.Sleep(10 * time.Millisecond)
					probing.Add(-1)
					if time.Since(start) >= away {
						p.settle(works, nil)
						break
					}
					p.settle(fails, errors.New("still away"))
				}
				if late := time.Since(start) - away; late > 3*time.Second {
					t.Errorf("went through %v after the end of the outage", late)
				}
			}()
		}
		time.Sleep(away + 4*time.Second)
		synctest.Wait()
		if n := probes.Load(); n < 25 || n > 150 {
			t.Errorf("%d probes in %v, want about one a second", n, away)
		}
		if g.down() != nil {
			t.Errorf("the gate still says %v", g.down())
		}
	})
}

func TestGateGivesBackTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(schedule.Backoff{Base: time.Hour})
		g.fail(errors.New("away"), false)
		for range 2 { // while it waits to probe, and behind one that does
			ctx, cancel := context.WithCancel(t.Context())
			result := make(chan error)
			go func() {
				_, err := g.enter(ctx, 0)
				result <- err
			}()
			synctest.Wait()
			cancel()
			if err := <-result; !errors.Is(err, context.Canceled) {
				t.Errorf("enter returned %v", err)
			}
		}
		p, _ := g.enter(t.Context(), 0)
		if !p.probe {
			t.Fatal("nobody may probe")
		}
		p.settle(unclear, nil)
		if p, _ = g.enter(t.Context(), 0); !p.probe {
			t.Fatal("a probe that found nothing out kept its turn")
		}
		p.settle(works, nil)
		if p, _ = g.enter(t.Context(), 0); p.probe {
			t.Fatal("the gate did not open")
		}
	})
}

func TestGatePatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(schedule.Backoff{Base: 24 * time.Hour})
		g.fail(errors.New("away"), false)
		g.outage.next = time.Now().Add(time.Hour)
		start := time.Now()
		done := make(chan pass)
		for range 2 { // the one whose turn it is, and one behind it
			go func() {
				p, err := g.enter(t.Context(), time.Minute)
				if err != nil {
					t.Error(err)
				}
				done <- p
			}()
		}
		for range 2 {
			if p := <-done; p.probe || time.Since(start) != time.Minute {
				t.Errorf("went through after %v as %+v", time.Since(start), p)
			}
		}
	})
}
