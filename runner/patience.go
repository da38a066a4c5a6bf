package runner

import (
	"time"

	"restencil/watch"
)

// A template that still lacks answers is not executed for each one that comes
// in: it would be in vain, a thousand times for a thousand keys. It is when the
// last has come; or, since what it asks may depend on those that it has, some
// time after the first. That time grows as long as it leads to no new question.
const (
	leastPatience = 5 * time.Millisecond
	mostPatience  = 160 * time.Millisecond
)

// A patience says when a template that got an answer is executed again. The
// loop owns it.
type patience struct {
	outstanding int           // how many queries it uses that have neither an answer nor a failure
	used        int           // how many queries it used the last time
	delay       time.Duration // from the first news to the next execution
	until       time.Time     // when it is executed in any case; zero: there is no news
}

// executed notes an execution.
func (p *patience) executed(outstanding, used int) {
	p.delay = min(2*p.delay, mostPatience)
	if used > p.used || outstanding == 0 {
		p.delay = leastPatience
	}
	p.outstanding, p.used, p.until = outstanding, used, time.Time{}
}

// arrived notes that a query has its first answer, or failed.
func (p *patience) arrived() {
	if p.outstanding > 0 {
		p.outstanding--
	}
}

// heard notes news at now.
func (p *patience) heard(now time.Time) {
	if p.until.IsZero() {
		p.until = now.Add(p.delay)
	}
}

// over tells whether there is news, and nothing to wait for.
func (p *patience) over() bool { return !p.until.IsZero() && p.outstanding == 0 }

// inform lets the templates that use q know of its new state.
func (r *Runner) inform(q watch.Query, old, now watch.State, at time.Time) {
	first := !old.Known && old.Failure == nil
	for _, id := range r.graph.Users(q) {
		u := r.ids[id]
		u.feed(old, now)
		if first {
			u.patience.arrived()
		}
		if now.Version != old.Version {
			u.patience.heard(at)
		}
		if u.patience.over() {
			r.mark(u)
		} else {
			r.plan(u)
		}
	}
}

// outstanding returns how many queries x's unit uses that have neither an answer
// nor a failure.
func (r *Runner) outstanding(x execution) int {
	if x.err == nil && x.result.Complete() {
		return 0
	}
	n := 0
	for _, q := range r.graph.Uses(x.unit.id) {
		if st := r.answers[q.ID()]; !st.Known && st.Failure == nil {
			n++
		}
	}
	return n
}
