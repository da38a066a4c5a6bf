package schedule

// A Wakeup is a channel that tells one goroutine to look again. It has room for
// one value, which stands for any number of changes.
type Wakeup chan struct{}

// NewWakeup returns a Wakeup that nobody has woken.
func NewWakeup() Wakeup { return make(Wakeup, 1) }

// Wake has the goroutine look, now or when it next receives. It does not block.
func (w Wakeup) Wake() {
	select {
	case w <- struct{}{}:
	default:
	}
}
