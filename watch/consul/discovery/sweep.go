package discovery

import (
	"time"

	"restencil/watch/schedule"
)

// BaseSweep is the time in which every query is read at least once, whatever
// happens.
const BaseSweep = 10 * time.Minute

// How much is swept.
const (
	leastRate  = 30                      // reads a second
	mostRate   = 100                     // the same, where there is much to sweep
	turn       = 1400 * time.Millisecond // in which all is swept, if the rates allow it
	leastBurst = 150                     // reads at once, after a pause
	mostBurst  = 500                     // the same, where there is much to sweep
	recheck    = time.Second             // between two reads of a query while a blocking query fails
	settled    = 5 * time.Second         // a unit that has not changed for so long gives its blocking query to one that has
)

// A sweep reads units one after another: those first that were read longest ago.
type sweep struct {
	nodes   schedule.Timers[*unit] // those that are not held, by the time of their last read
	queries schedule.Timers[*unit]
	kept    schedule.Timers[*unit] // queries that are held, by the time since when
	bucket  bucket
	hint    time.Time // what was read before may be old
	reset   time.Time // queries that were read before may be old
	base    time.Time // when the next read of the base sweep is due
}

// epoch is when what was never read was read.
var epoch = time.Unix(1, 0)

func (s *sweep) of(u *unit) *schedule.Timers[*unit] {
	if u.source.Kind == Node {
		return &s.nodes
	}
	return &s.queries
}

func (s *sweep) add(u *unit) {
	at := u.read
	if at.IsZero() {
		at = epoch
	}
	s.of(u).Set(u, at)
}

func (s *sweep) remove(u *unit) { s.of(u).Remove(u) }

// nextSwept returns what is read without having been named, or when there may be
// something.
func (a *assignment) nextSwept(now time.Time) (*unit, time.Time) {
	s := &a.sweep
	at := a.baseAt(now)
	if !now.Before(at) {
		s.base = now.Add(BaseSweep / time.Duration(len(a.queries)))
		if u, ok := a.oldest(now); ok {
			return u, at
		}
		at = s.base
	}
	from, since, due := a.hinted(now)
	if from == nil {
		return nil, earlier(at, since)
	}
	if wait := s.bucket.wait(now); wait > 0 || !due {
		return nil, earlier(at, now.Add(wait))
	}
	s.bucket.take(now, 0)
	u, _ := from.Pop(now)
	return u, at
}

// hinted returns the timers whose first unit is due because of a hint, a reset
// or a failure; or when there may be one.
func (a *assignment) hinted(now time.Time) (from *schedule.Timers[*unit], at time.Time, due bool) {
	s := &a.sweep
	swept := &s.nodes // by a hint
	if a.byQuery {
		swept = &s.queries
	}
	if first := swept.Next(); a.partial && !first.IsZero() && !first.After(s.hint) {
		return swept, now, true
	}
	first := s.queries.Next()
	switch {
	case first.IsZero():
		return nil, time.Time{}, false
	case !first.After(s.reset):
		return &s.queries, now, true
	case len(a.failing) > 0:
		if at = first.Add(recheck); at.After(now) {
			return nil, at, false
		}
		return &s.queries, now, true
	}
	return nil, time.Time{}, false
}

// baseAt returns when the next read of the base sweep is due.
func (a *assignment) baseAt(now time.Time) time.Time {
	if len(a.queries) == 0 {
		return now.Add(BaseSweep)
	}
	if next := now.Add(BaseSweep / time.Duration(len(a.queries))); a.sweep.base.IsZero() || a.sweep.base.After(next) {
		a.sweep.base = next
	}
	return a.sweep.base
}

// oldest removes the query that was read longest ago from the timers. One that
// has been held for longer than a base sweep is released for that.
func (a *assignment) oldest(now time.Time) (*unit, bool) {
	if u, ok := a.sweep.kept.Pop(now.Add(-BaseSweep)); ok {
		a.hold(u, false)
		return u, true
	}
	return a.sweep.queries.Pop(now)
}

// earlier returns the earlier of two times; zero is no time.
func earlier(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}
