package runner

import (
	"cmp"
	"context"
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

// for_ notes what an execution missed.
func (w *waiting) for_(missing []watch.Query, now time.Time) {
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

// report tells of the templates that have been waiting for long enough.
func (r *Runner) report(now time.Time) {
	due := r.templates.reports.PopAll(now)
	slices.SortFunc(due, func(a, b *templateState) int { return a.index - b.index })
	for _, s := range due {
		if s.running { // the end of that plans another report
			continue
		}
		if !s.coalesce.until.IsZero() { // what it misses is to be known first
			s.coalesce.until = now
			r.templates.plan(s)
			continue
		}
		s.waiting.reports++
		r.templates.plan(s)
		r.tellWaiting(s, now)
	}
}

// tellWaiting says what s waits for, the longest wait first. Where in its text it
// asks for that is found out by executing it, which may take time.
func (r *Runner) tellWaiting(s *templateState, now time.Time) {
	queries := slices.Clone(s.waiting.missing)
	slices.SortFunc(queries, func(a, b watch.Query) int {
		if c := s.waiting.missingSince(a).Compare(s.waiting.missingSince(b)); c != 0 {
			return c
		}
		return cmp.Compare(a.String(), b.String())
	})
	ev := event.Waiting{Template: s.spec.Name, Destination: s.spec.Destination, Since: s.waiting.since}
	for i, q := range queries {
		if i == reported {
			ev.More = len(queries) - i
			break
		}
		ev.For = append(ev.For, event.Missing{Query: q, Since: s.waiting.missingSince(q), Reason: r.reason(q)})
	}
	r.passes.locate(s, now, func(ctx context.Context) {
		for i := range ev.For {
			at, _ := s.tmpl.Locate(ctx, r.passes.answers.get, ev.For[i].Query)
			at.Name = s.spec.Name
			ev.For[i].At = at
		}
	}, func() { r.events.emit(ev) })
}

// reason says why there is no usable answer to q.
func (r *Runner) reason(q watch.Query) string {
	st, ok := r.passes.answers.state(q)
	switch {
	case ok && st.Failure != nil:
		return withoutQuery(st.Failure.Err, q).Error()
	case !ok || !st.Known:
		return "no answer yet"
	case q.Kind == watch.KVGet, q.Kind == watch.NomadVarGet:
		return "it does not exist"
	default:
		return "it is empty"
	}
}

// withoutQuery returns an error without q before it, which is told anyway.
func withoutQuery(err error, q watch.Query) error {
	if e, ok := err.(*watch.Error); ok && e.Query == q {
		return e.Err
	}
	return err
}
