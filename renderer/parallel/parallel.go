// Package parallel does many things that wait for the disk at the same time.
package parallel

import "golang.org/x/sync/errgroup"

// Width is how many things are done at a time.
const Width = 32

// For calls do(0) to do(n-1), Width at a time, and returns when all have
// returned. A single call is made in the caller's goroutine.
func For(n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	var group errgroup.Group
	group.SetLimit(Width)
	for i := range n {
		group.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = group.Wait()
}
