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

// loaded tells which templates there are.
func (r *Runner) loaded() {
	ev := event.Loaded{Templates: make([]event.Output, len(r.templates.list))}
	for i, s := range r.templates.list {
		ev.Templates[i] = s.output()
	}
	r.events.emit(ev)
	for _, e := range r.early {
		r.events.emit(e)
	}
	r.early = nil
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
