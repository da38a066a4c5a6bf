package templates

import (
	"sync"
	"time"

	"restencil/watch/schedule"
)

// grace is how long the outputs of a pass wait for its slowest template. After
// that the others go on, and so do other passes beside it.
const grace = 100 * time.Millisecond

// A pass is executions that begin together: what they ask is watched, and what
// they render is offered, at the same time.
type pass struct {
	deadline time.Time // when those that have ended do not wait for the others any more
	alone    bool      // there is one, which has nobody to wait for

	mu    sync.Mutex
	left  int          // how many are under way
	ended []*execution // that nobody has taken yet
}

// end notes the end of an execution, and wakes the loop where it is the last of
// the pass or late.
func (p *pass) end(x *execution, loop schedule.Wakeup) {
	p.mu.Lock()
	p.ended = append(p.ended, x)
	p.left--
	tell := p.left == 0 || time.Now().After(p.deadline)
	p.mu.Unlock()
	if tell {
		loop.Wake()
	}
}

// take returns the executions that are to be dealt with now, and whether that is
// the rest of them.
func (p *pass) take(now time.Time) (ended []*execution, over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left > 0 && now.Before(p.deadline) {
		return nil, false
	}
	ended, p.ended = p.ended, nil
	return ended, p.left == 0
}
