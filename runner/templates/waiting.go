package templates

import (
	"cmp"
	"slices"
	"time"

	"restencil/runner/event"
	"restencil/watch"
)

// waiting is what a template waits for.
type waiting struct {
	missing []watch.Query
	since   time.Time                 // when it began to wait, zero: it does not
	later   map[watch.Query]time.Time // since when it waits for what it misses since later than that
	reports int                       // how often that was told
}

// set notes what an execution missed.
func (w *waiting) set(missing []watch.Query, now time.Time) {
	switch {
	case len(missing) == 0:
		w.since, w.later, w.reports = time.Time{}, nil, 0
	case w.since.IsZero():
		w.since = now
	case !slices.Equal(w.missing, missing):
		w.later = w.missedLater(missing, now)
	}
	w.missing = missing
}

// missedLater returns since when it waits for those of missing that it has not
// missed from the beginning.
func (w *waiting) missedLater(missing []watch.Query, now time.Time) map[watch.Query]time.Time {
	before := make(map[watch.Query]bool, len(w.missing))
	for _, q := range w.missing {
		before[q] = true
	}
	later := make(map[watch.Query]time.Time)
	for _, q := range missing {
		if since, ok := w.later[q]; ok {
			later[q] = since
		} else if !before[q] {
			later[q] = now
		}
	}
	return later
}

// missingSince is when it began to wait for q.
func (w *waiting) missingSince(q watch.Query) time.Time {
	if since, ok := w.later[q]; ok {
		return since
	}
	return w.since
}

// nextReport is when the next Waiting event is due, zero: never.
func (w *waiting) nextReport() time.Time {
	if w.since.IsZero() {
		return time.Time{}
	}
	return w.since.Add(reportAfter(w.reports))
}

// reportAfter says how long after something began to wait its nth report
// (from 0) is made: soon, then ever more rarely.
func reportAfter(n int) time.Duration {
	switch n {
	case 0:
		return 1500 * time.Millisecond // people look at what they started for about two
	case 1:
		return 10 * time.Second
	case 2:
		return time.Minute
	case 3:
		return 5 * time.Minute
	case 4:
		return 30 * time.Minute
	default:
		return time.Duration(n-4) * time.Hour
	}
}

// reported is how many missing queries of a template a report names.
const reported = 5

// report begins to report the templates that have been waiting for long enough.
func (s *Set) report(now time.Time) {
	due := s.reports.PopAll(now)
	slices.SortFunc(due, func(a, b *state) int { return cmp.Compare(a.index, b.index) })
	for _, t := range due {
		if t.running { // the end of that plans another report
			continue
		}
		if !t.coalesce.until.IsZero() { // what it misses is to be known first
			t.coalesce.until = now
			s.plan(t)
			continue
		}
		t.waiting.reports++
		s.plan(t)
		t.running = true
		s.begin([]*execution{{of: t, waiting: s.waitingEvent(t)}}, now)
	}
}

// waitingEvent says what t waits for, the longest wait first. Where in its text it
// asks for that is found out by executing it.
func (s *Set) waitingEvent(t *state) *event.Waiting {
	queries := slices.Clone(t.waiting.missing)
	slices.SortFunc(queries, func(a, b watch.Query) int {
		return cmp.Or(t.waiting.missingSince(a).Compare(t.waiting.missingSince(b)), cmp.Compare(a.String(), b.String()))
	})
	e := &event.Waiting{Template: t.Name, Destination: t.Destination, Since: t.waiting.since}
	if len(queries) > reported {
		e.More = len(queries) - reported
		queries = queries[:reported]
	}
	for _, q := range queries {
		e.For = append(e.For, event.Missing{Query: q, Since: t.waiting.missingSince(q), Reason: s.reason(q)})
	}
	return e
}

// reason says why there is no usable answer to q.
func (s *Set) reason(q watch.Query) string {
	st, ok := s.answers.state(q)
	switch {
	case ok && st.Failure != nil:
		err := st.Failure.Err
		if e, ok := err.(*watch.Error); ok && e.Query == q { // which is told anyway
			err = e.Err
		}
		return err.Error()
	case !ok || !st.Known:
		return "no answer yet"
	case q.Kind == watch.KVGet, q.Kind == watch.NomadVarGet:
		return "it does not exist"
	default:
		return "it is empty"
	}
}
