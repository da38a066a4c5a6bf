package runner

import (
	"time"

	"restencil/runner/event"
)

// heartbeat is what the loop tells of itself.
type heartbeat struct {
	ready bool      // Ready was told
	next  time.Time // when Alive is to be told, zero: never
}

// beat tells that the loop goes round, and when all is done for the first
// time.
func (r *Runner) beat(now time.Time) {
	h := &r.heartbeat
	if !h.ready && r.finished() {
		h.ready = true
		r.events.emit(event.Ready{})
	}
	if every := r.opts.Heartbeat; every > 0 && !now.Before(h.next) {
		h.next = now.Add(every)
		r.events.emit(event.Alive{})
	}
}
