package templates

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Tasks that hang keep no other from being done, however many they are, and the
// workers that were added for that end again.
func TestPoolRelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := newPool(ctx)
		hang := make(chan struct{})
		const most = 5
		for range most * p.width {
			p.run(func() { <-hang }, time.Now())
		}
		done := false
		p.run(func() { done = true }, time.Now())
		for range most {
			synctest.Wait()
			if done {
				t.Fatal("the task was done while the workers before it could not have been stuck")
			}
			time.Sleep(time.Until(p.stuckAt()))
			p.addWorkers(time.Now())
		}
		synctest.Wait()
		if !done || !p.stuckAt().IsZero() {
			t.Errorf("done: %v, stuck at %v", done, p.stuckAt())
		}
		close(hang)
		synctest.Wait()
		if p.workers != p.width || p.idle != p.width {
			t.Errorf("%d workers are left, %d of them idle, want %d", p.workers, p.idle, p.width)
		}
		p.run(func() { done = false }, time.Now())
		synctest.Wait()
		if done {
			t.Error("an idle worker did not do a task")
		}
		cancel()
		p.running.Wait()
	})
}
