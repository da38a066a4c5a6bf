package runner

import "time"

// A pulse is what the loop tells of itself.
type pulse struct {
	ready bool      // Ready was told
	next  time.Time // when Alive is to be told, where there is a heartbeat
}

// loaded tells which templates there are.
func (r *Runner) loaded() {
	ev := Loaded{Templates: make([]Output, len(r.units))}
	for i, u := range r.units {
		ev.Templates[i] = u.output()
	}
	r.tell(ev)
	for _, e := range r.early {
		r.tell(e)
	}
	r.early = nil
}

// beat tells that the loop goes round, and when all is done for the first
// time.
func (r *Runner) beat(now time.Time) {
	if !r.pulse.ready && r.finished() {
		r.pulse.ready = true
		r.tell(Ready{})
	}
	if every := r.opts.Heartbeat; every > 0 && !now.Before(r.pulse.next) {
		r.pulse.next = now.Add(every)
		r.tell(Alive{})
	}
}
