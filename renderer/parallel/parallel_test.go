package parallel_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/renderer/parallel"
)

func TestForCallsEachOnceAndSoManyAtATime(t *testing.T) {
	for _, n := range []int{0, 1, 2, parallel.Width, 3*parallel.Width + 1} {
		synctest.Test(t, func(t *testing.T) {
			calls := make([]atomic.Int32, n)
			var now, most atomic.Int32
			parallel.For(n, func(i int) {
				calls[i].Add(1)
				at := now.Add(1)
				for old := most.Load(); at > old && !most.CompareAndSwap(old, at); old = most.Load() {
				}
				time.Sleep(time.Second)
				now.Add(-1)
			})
			for i := range calls {
				if got := calls[i].Load(); got != 1 {
					t.Errorf("%d of %d was done %d times", i, n, got)
				}
			}
			if want := int32(min(n, parallel.Width)); most.Load() != want {
				t.Errorf("of %d, %d were done at a time, want %d", n, most.Load(), want)
			}
		})
	}
}
