package service

import "golang.org/x/sync/singleflight"

// A shared makes a value for those that ask for it. Those that wait while one is made
// share the next, so that many readers cost as much memory and time as two.
type shared[T any] struct {
	waiting singleflight.Group
	making  chan struct{} // has an element while a value is made
}

func newShared[T any]() *shared[T] { return &shared[T]{making: make(chan struct{}, 1)} }

// get returns what do returns, which is called after get is, by this goroutine or by
// another that waits. Nobody may change the value.
func (s *shared[T]) get(do func() (T, error)) (T, error) {
	v, err, _ := s.waiting.Do("", func() (any, error) {
		s.making <- struct{}{}
		defer func() { <-s.making }()
		s.waiting.Forget("") // who asks from now on waits for the next
		return do()
	})
	return v.(T), err
}
