package requester

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/watch/schedule"
)

// TestBreaker has a hundred callers at something that is away for a minute.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(DefaultOptions().Retry)
		start := time.Now()
		const away = time.Minute
		var probing, probes atomic.Int32
		pass{b: b}.settle(fails, errors.New("away"))
		for range 100 {
			go func() {
				for {
					p, err := b.enter(t.Context(), 0, nil)
					if err != nil {
						t.Error(err)
					}
					if !p.probe {
						break // the breaker is closed
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
		if _, err := b.failed(); err != nil {
			t.Errorf("the breaker still says %v", err)
		}
	})
}

func TestBreakerGivesBackTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(schedule.Backoff{Base: time.Hour})
		pass{b: b}.settle(fails, errors.New("away"))
		for range 2 { // while it waits to probe, and behind one that does
			ctx, cancel := context.WithCancel(t.Context())
			result := make(chan error)
			go func() {
				_, err := b.enter(ctx, 0, nil)
				result <- err
			}()
			synctest.Wait()
			cancel()
			if err := <-result; !errors.Is(err, context.Canceled) {
				t.Errorf("enter returned %v", err)
			}
		}
		time.Sleep(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.enter(ctx, 0, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("with a probe due, enter returned %v", err)
		}
		p, _ := b.enter(t.Context(), 0, nil)
		if !p.probe {
			t.Fatal("nobody may probe")
		}
		p.settle(unclear, nil)
		if p, _ = b.enter(t.Context(), 0, nil); !p.probe {
			t.Fatal("a probe that found nothing out kept its turn")
		}
		p.settle(works, nil)
		if p, _ = b.enter(t.Context(), 0, nil); p.probe {
			t.Fatal("the breaker did not close")
		}
	})
}

func TestBreakerRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(schedule.Backoff{Base: 24 * time.Hour, Attempts: 12})
		pass{b: b}.settle(fails, errors.New("away"))
		start := time.Now()
		done := make(chan pass)
		for range 2 { // the one whose turn it is, and one behind it
			go func() {
				p, err := b.enter(t.Context(), time.Minute, nil)
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
