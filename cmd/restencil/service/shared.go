package service

import "sync"

// A shared makes a value for those that ask for it. Those that wait while one is made
// share the next, so that many readers cost as much memory and time as two. The zero
// value is ready for use.
type shared[T any] struct {
	mu   sync.Mutex
	next *sharedValue[T] // whose making has not begun; nil: nobody waits
	last <-chan struct{} // closed when the newest has been made; nil: there was none
}

type sharedValue[T any] struct {
	made  chan struct{} // closed once the others may be read
	value T
	err   error
}

// get returns what do returns, which is called after get is, by this goroutine or by
// another that waits. Nobody may change the value.
func (s *shared[T]) get(do func() (T, error)) (T, error) {
	s.mu.Lock()
	own, before := s.next, s.last
	makes := own == nil
	if makes {
		own = &sharedValue[T]{made: make(chan struct{})}
		s.next, s.last = own, own.made
	}
	s.mu.Unlock()
	if !makes {
		<-own.made
		return own.value, own.err
	}
	defer close(own.made)
	if before != nil {
		<-before
	}
	s.mu.Lock()
	s.next = nil
	s.mu.Unlock()
	own.value, own.err = do()
	return own.value, own.err
}
