package vault

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
	"restencil/watch/vault/fetch"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

// An outage is a time in which Vault as a whole does not answer. Meanwhile
// nothing is asked of it but one question, at some pace, that costs nothing.
// What fails may be the trouble of one query: that Vault is away is certain when
// a probe has failed.
type outage struct {
	breaker schedule.Breaker
	err     error // what is told of it: what began it, or has taken its place
	shown   []int // the statuses that it has shown; 0: no answer
}

// certain reports whether Vault is away.
func (o *outage) certain() bool { return o.breaker.Failures() > 1 }

const probeLimit = 10 * time.Second // how long a probe may take

// probed takes what a probe has shown. When Vault answers, all that wait may go
// on; where an outage was not certain yet, what failed was the trouble of those
// queries alone, and they keep their pace. When it does not, that is an attempt of
// all that wait: one of them tells of it, for attempts may be counted.
func (l *loop) probed(err error, now time.Time) {
	o := &l.outage
	answers := err == nil || !client.Unreachable(err)
	for _, e := range l.table.entries {
		if e.inDoubt && !answers && l.table.timers.Has(e) {
			l.table.wait(e)
		}
		e.inDoubt = false
	}
	if answers {
		o.breaker.Reset()
		l.table.release(now)
		return
	}
	o.breaker.ProbeFailed(err, now)
	// The outage may go on in another way than it began: a Vault that was started
	// again is sealed, and waits for a person. Each status is told once, for they
	// may alternate.
	status := client.Status(err)
	turned := !slices.Contains(o.shown, status)
	if turned {
		o.err, o.shown = err, append(o.shown, status)
	}
	for e := range l.table.waiting {
		l.reportWaiting(e)
	}
	for e := range l.table.waiting {
		counted := explain(e.query, o.err)
		counted.All, counted.Attempts = true, o.breaker.Failures()
		e.fail(counted, o.err)
		break
	}
	if turned && l.options.Notice != nil {
		l.options.Notice(fmt.Errorf("vault: still no answers: %w (kept the last good files; retrying)", o.err))
	}
}

// reportWaiting tells the sink of e, which waits, why no query is answered at the
// moment: once, and where that is certain.
func (l *loop) reportWaiting(e *entry) {
	err := l.tokenErr
	switch {
	case l.outage.certain():
		err = l.outage.err
	case errors.Is(err, token.ErrPending):
		return
	}
	if err != nil && e.told != err {
		told := explain(e.query, err)
		told.All = true
		e.fail(told, err)
	}
}

// failed takes the error of an attempt, tells of it and plans the next.
func (l *loop) failed(e *entry, under *epoch, err error, now time.Time) {
	var limited *limit.Error
	switch {
	case errors.Is(err, fetch.ErrNothingKept):
		l.table.set(e, now)
	case errors.As(err, &limited):
		l.limited(e, limited, now)
	default:
		told := l.report(e, under, err)
		if !l.options.Retry.Spent(e.failures) {
			l.table.set(e, now.Add(e.delay(l.options.Retry, told, now)))
		}
		l.doubt(e, err, now)
	}
}

// report tells the sink of e of an error of its own. A token that Vault does not
// know is told to the manager.
func (l *loop) report(e *entry, under *epoch, err error) *watch.Error {
	told := explain(e.query, err)
	if told.All { // its leases have gone with it
		under.refused = true
		l.tokens.Refused(under.Epoch)
	}
	e.failures++
	e.cause = told
	e.fail(told, err)
	return told
}

// doubt sees to what may be an outage.
func (l *loop) doubt(e *entry, err error, now time.Time) {
	if _, ok := errors.AsType[*client.Error](err); !ok || !client.Unreachable(err) {
		return
	}
	if l.outage.breaker.Fail(err, now) {
		l.outage.err, l.outage.shown = err, []int{client.Status(err)}
	}
	switch {
	case e.sink == nil:
	case l.outage.certain():
		l.table.wait(e)
		l.reportWaiting(e)
	default:
		e.inDoubt = true
	}
}

// explain returns the error that the sink of a query is told of.
func explain(q watch.Query, err error) *watch.Error {
	told := &watch.Error{
		Query: q, Err: err,
		Class: client.Class(err), RetryAfter: client.RetryAfter(err), All: client.RefusedToken(err),
	}
	if none, ok := errors.AsType[*token.Error](err); ok {
		told.Class, told.RetryAfter, told.Attempts, told.All = none.Class, none.RetryAfter, none.Attempts, true
	} else if _, ok := errors.AsType[*fetch.MissingError](err); ok {
		told.Class, told.Gone = watch.Denied, true
	}
	return told
}

// limited has e wait until something may be issued. Nobody needs to hear of that
// as long as what e has is good. Where attempts have failed that may have issued
// something, it is their error that counts.
func (l *loop) limited(e *entry, err *limit.Error, now time.Time) {
	a := &e.answer
	end := a.end()
	if !a.known || !end.IsZero() && end.Before(err.Until) {
		told := &watch.Error{Query: e.query, Class: watch.Denied, Err: err}
		if e.cause != nil {
			told.Class = e.cause.Class
			told.Err = fmt.Errorf("%w; that may have issued something, so the next attempt is made at %s (issue_every)",
				e.cause.Err, err.Until.Format(time.TimeOnly))
		}
		told.RetryAfter = err.Until.Sub(now)
		e.fail(told, err)
	}
	l.table.set(e, err.Until.Add(time.Millisecond))
}

// rotation is the longest wait for a secret that is just being rotated: until it
// is read, what was rendered with it is wrong.
const rotation = time.Second

// delay returns how long to wait after a failure. Before the end of what e has
// there are several attempts.
func (e *entry) delay(retry schedule.Backoff, err *watch.Error, now time.Time) time.Duration {
	wait := retry.Delay(e.failures)
	if left := e.answer.end().Sub(now); e.answer.known && left > 0 {
		wait = min(wait, max(left/5, retry.Base, time.Millisecond))
	}
	if errors.Is(err.Err, lease.ErrNoTTL) {
		wait = min(wait, max(rotation, retry.Base))
	}
	return max(wait, err.RetryAfter, time.Millisecond)
}
