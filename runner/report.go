package runner

import (
	"cmp"
	"context"
	"slices"
	"time"

	"restencil/watch"
)

// reported is how many missing queries of a template a report names.
const reported = 5

// report tells of the templates that have been waiting for long enough.
func (r *Runner) report(ctx context.Context, now time.Time) {
	due := r.reports.PopAll(now)
	slices.SortFunc(due, byIndex)
	for _, u := range due {
		if !u.patience.until.IsZero() { // what it misses is to be known first
			u.patience.until = now
			r.plan(u)
			continue
		}
		u.reports++
		r.reports.Set(u, u.nextReport())
		r.tell(r.waiting(ctx, u))
	}
}

// waiting says what u waits for, the longest wait first.
func (r *Runner) waiting(ctx context.Context, u *unit) Waiting {
	queries := slices.Clone(u.missing)
	slices.SortFunc(queries, func(a, b watch.Query) int {
		if c := u.missingSince(a).Compare(u.missingSince(b)); c != 0 {
			return c
		}
		return cmp.Compare(a.String(), b.String())
	})
	ev := Waiting{Template: u.spec.Name, Destination: u.spec.Destination, Since: u.since}
	for i, q := range queries {
		if i == reported {
			ev.More = len(queries) - i
			break
		}
		at, _ := u.tmpl.Locate(ctx, r.answer, q)
		at.Name = u.spec.Name
		ev.For = append(ev.For, Missing{Query: q, At: at, Since: u.missingSince(q), Reason: r.reason(q)})
	}
	return ev
}

// reason says why there is no usable answer to q.
func (r *Runner) reason(q watch.Query) string {
	st, ok := r.answers[q.ID()]
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
