package schedule

import "sync"

// A Wakeup is a channel that wakes one goroutine. It has room for one value, which
// stands for any number of changes.
type Wakeup chan struct{}

// NewWakeup returns an empty Wakeup.
func NewWakeup() Wakeup { return make(Wakeup, 1) }

// Wake wakes the goroutine, now or when it next receives. It does not block.
func (w Wakeup) Wake() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// An Inbox passes things that a T holds from any goroutines to one, in order.
type Inbox[T any] struct {
	Wakeup // there is something to take

	mu      sync.Mutex
	content T
}

// NewInbox returns an Inbox with the zero T.
func NewInbox[T any]() *Inbox[T] { return &Inbox[T]{Wakeup: NewWakeup()} }

// Post has add add to what is there, and wakes the goroutine.
func (in *Inbox[T]) Post(add func(*T)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	add(&in.content)
	in.Wake()
}

// Take returns what is there, and leaves the zero T.
func (in *Inbox[T]) Take() (content T) {
	in.mu.Lock()
	defer in.mu.Unlock()
	content, in.content = in.content, content
	return content
}
