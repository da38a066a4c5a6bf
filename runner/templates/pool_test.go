package templates

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Tasks that hang keep no other from being executed, however many they are, and
// there are not more workers than before when they have ended.
func TestPoolWithTasksThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool()
		hang := make(chan struct{})
		const times = 5
		for range times * runtime.GOMAXPROCS(0) {
			p.run(func() { <-hang })
		}
		var done atomic.Bool
		p.run(func() { done.Store(true) })
		for range times {
			synctest.Wait()
			if done.Load() {
				t.Fatal("the task was executed while the workers before it could not have been stuck")
			}
			time.Sleep(grace)
		}
		synctest.Wait()
		if !done.Load() {
			t.Error("the task was not executed")
		}
		close(hang)
		synctest.Wait()
		if most := runtime.GOMAXPROCS(0); p.workers > most {
			t.Errorf("%d workers are kept, more than %d", p.workers, most)
		}
		p.run(func() { done.Store(false) })
		p.close()
		if done.Load() {
			t.Error("another task was not executed")
		}
	})
}
