package discovery

import (
	"math"
	"time"

	"restencil/watch/schedule"
)

// A queue holds the targets to read.
type queue struct {
	named []*target                // at once, in order
	retry schedule.Timers[*target] // later, for example after a failure
	sweep sweep                    // one after another
	stamp time.Time                // the newest that tick returned
}

// always is an index that no reply has.
const always = math.MaxUint64

// name wants u, unless its newest reply is as new as index, and complete.
func (q *queue) name(u *target, index uint64) {
	if u.index >= index && !u.filtered || u.held {
		return
	}
	u.wanted = max(u.wanted, index)
	q.want(u)
}

// want puts u into the queue; if it is being read, done does.
func (q *queue) want(u *target) {
	if !u.busy && !u.named {
		u.named = true
		q.named = append(q.named, u)
	}
}

// wantAll wants the targets whose retry is due by a time.
func (q *queue) wantAll(by time.Time) {
	for _, u := range q.retry.PopAll(by) {
		q.want(u)
	}
}

// begin records that u is being read.
func (q *queue) begin(u *target, now time.Time) Source {
	u.busy, u.named, u.wanted = true, false, 0
	u.read = q.tick(now)
	q.retry.Remove(u)
	q.sweep.of(u).Remove(u)
	return u.source
}

// tick returns now, or a later time that orders reads and hints.
func (q *queue) tick(now time.Time) time.Time {
	if now.After(q.stamp) {
		q.stamp = now
	} else {
		q.stamp = q.stamp.Add(1)
	}
	return q.stamp
}

// done records a reply to a read of u, or to its blocking query.
func (q *queue) done(u *target, r Reply) {
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
