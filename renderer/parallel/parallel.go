// Package parallel does many things that wait for the disk at the same time.
package parallel

import (
	"sync"
	"sync/atomic"
)

// Width is how many things are done at a time.
const Width = 32

// For calls do(0) to do(n-1), Width at a time, and returns when all have
// returned. A single call is made in the caller's goroutine.
func For(n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, Width) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.Wait()
}
