// Package parallel runs operations that wait for the disk side by side.
package parallel

import "golang.org/x/sync/errgroup"

// Width is how many operations run at a time.
const Width = 32

// For calls do(0) to do(n-1), Width at a time, and returns when all have returned. It
// makes a single call in its own goroutine.
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
