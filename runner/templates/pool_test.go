package templates

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// Tasks that hang keep no other from being executed, however many they are, and
// there are not more workers than before when they have ended.
func TestPoolWithTasksThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pool
		hang := make(chan struct{})
		const times = 5
		for range times * runtime.GOMAXPROCS(0) {
			p.run(func() { <-hang })
		}
		done := false
		p.run(func() { done = true })
		for range times {
			synctest.Wait()
			if done {
				t.Fatal("the task was executed while the workers before it could not have been stuck")
			}
			time.Sleep(grace)
		}
		synctest.Wait()
		if !done {
			t.Error("the task was not executed")
		}
		close(hang)
		p.running.Wait()
		if p.workers != 0 {
			t.Errorf("%d workers count still", p.workers)
		}
		p.run(func() { done = false })
		p.running.Wait()
		if done {
			t.Error("another task was not executed")
		}
	})
}
