package discovery

import (
	"math"
	"time"

	"restencil/watch/schedule"
)

// A queue holds the units that are to be read.
type queue struct {
	named []*unit                // by name, in order
	retry schedule.Timers[*unit] // after a failure
	sweep sweep                  // one after another
	stamp time.Time              // the last that was given; see begin
}

// always is an index that no reply has.
const always = math.MaxUint64

// name has u read, unless its newest reply is as new as index, and whole.
func (q *queue) name(u *unit, index uint64) {
	if u.index >= index && !u.filtered || u.held {
		return
	}
	u.wanted = max(u.wanted, index)
	q.want(u)
}

// want has u read as soon as possible; if it is being read, done does.
func (q *queue) want(u *unit) {
	if !u.busy && !u.named {
		u.named = true
		q.named = append(q.named, u)
	}
}

// wantAll has those read again that failed and are due by a time.
func (q *queue) wantAll(by time.Time) {
	for _, u := range q.retry.PopAll(by) {
		q.want(u)
	}
}

// begin notes that u is being read. No two reads, and no hint, have the same
// time.
func (q *queue) begin(u *unit, now time.Time) Source {
	u.busy, u.named, u.wanted = true, false, 0
	u.read = q.tick(now)
	q.retry.Remove(u)
	q.sweep.remove(u)
	return u.source
}

func (q *queue) tick(now time.Time) time.Time {
	if now.After(q.stamp) {
		q.stamp = now
	} else {
		q.stamp = q.stamp.Add(1)
	}
	return q.stamp
}

// done notes that u was read, or that a blocking query for it was answered.
func (q *queue) done(u *unit, r Reply) {
	u.index, u.filtered = r.Index, r.Filtered
	if !u.busy {
		return
	}
	u.busy = false
	if !u.held {
		q.sweep.add(u)
	}
	if u.wanted > r.Index || u.wanted > 0 && r.Filtered {
		q.want(u)
	}
}
