package discovery

import (
	"time"

	"restencil/watch/schedule"
)

// BaseSweep is the time in which every query is read at least once, unless it is held.
const BaseSweep = 10 * time.Minute

const (
	sweepTime  = 1400 * time.Millisecond // in which all is swept, if the rates allow it
	leastRate  = 30                      // reads a second
	mostRate   = 100
	leastBurst = 150 // reads at once, after a pause
	mostBurst  = 500
	recheck    = time.Second     // between two reads of a query while a blocking query fails
	idleAfter  = 5 * time.Second // a target that has not changed for so long gives its blocking query to one that has
)

// A sweep reads targets one after another, the one first that was read longest ago.
type sweep struct {
	nodes   schedule.Timers[*target] // those that are not held, by the time of their last read
	queries schedule.Timers[*target]
	bucket  bucket
	hint    time.Time // nodes, or queries, that were read before may be old
	reset   time.Time // queries that were read before may be old
	base    time.Time // when the next read of the base sweep is due
}

func (s *sweep) of(u *target) *schedule.Timers[*target] {
	if u.source.Kind == Node {
		return &s.nodes
	}
	return &s.queries
}

func (s *sweep) add(u *target) {
	at := u.read
	if at.IsZero() {
		at = time.Unix(1, 0) // before all that were read
	}
	s.of(u).Set(u, at)
}

// nextSwept returns the target to read now that nothing names; nil, if there is none until
// that time.
func (a *assignment) nextSwept(now time.Time) (*target, time.Time) {
	s := &a.sweep
	interval := BaseSweep / time.Duration(max(1, len(a.queries)))
	if s.base.IsZero() || s.base.Sub(now) > interval {
		s.base = now.Add(interval)
	}
	if !now.Before(s.base) {
		s.base = now.Add(interval)
		if u, ok := s.queries.Pop(now); ok {
			return u, s.base
		}
	}
	hinted, due := &s.nodes, now
	if a.byQuery {
		hinted = &s.queries
	}
	first, oldest := hinted.Next(), s.queries.Next()
	from := &s.queries
	switch {
	case a.partial && !first.IsZero() && !first.After(s.hint):
		from = hinted
	case oldest.IsZero():
		return nil, s.base
	case !oldest.After(s.reset):
	case len(a.failing) > 0:
		due = oldest.Add(recheck)
	default:
		return nil, s.base
	}
	if due.After(now) {
		return nil, schedule.Earliest(s.base, due)
	}
	if wait := s.bucket.wait(now); wait > 0 {
		return nil, schedule.Earliest(s.base, now.Add(wait))
	}
	s.bucket.take(now, 0)
	u, _ := from.Pop(now)
	return u, s.base
}
