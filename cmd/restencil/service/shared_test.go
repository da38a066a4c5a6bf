package service

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Many that ask while a value is made share the next, which is made after they asked.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShared[int32]()
		var made atomic.Int32
		hold := make(chan struct{})
		do := func() (int32, error) {
			n := made.Add(1)
			<-hold
			return n, nil
		}
		var asking sync.WaitGroup
		ask := func(want int32) {
			asking.Go(func() {
				if got, err := s.get(do); got != want || err != nil {
					t.Errorf("got %d, %v, want %d", got, err, want)
				}
			})
			synctest.Wait()
		}
		ask(1)
		for range 30 {
			ask(2)
		}
		close(hold)
		asking.Wait()
		ask(3)
		asking.Wait()
	})
}
