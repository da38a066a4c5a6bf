package vault

import (
	"errors"
	"fmt"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
	"restencil/watch/vault/fetch"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

// failed takes the error of an attempt, tells of it and plans the next.
func (l *loop) failed(e *entry, under *epoch, err error, now time.Time) {
	var limited *limit.Error
	switch {
	case errors.Is(err, fetch.ErrNothingKept):
		l.table.set(e, now)
	case errors.As(err, &limited):
		l.limited(e, limited, now)
	default:
		told := l.tell(e, under, err, now)
		if !l.options.Retry.Spent(e.failures) {
			l.table.set(e, now.Add(e.delay(l.options.Retry, told, now)))
		}
		l.doubt(e, err, now)
	}
}

// tell tells the sink of e of an error of its own. A token that Vault does not
// know is told to the manager.
func (l *loop) tell(e *entry, under *epoch, err error, now time.Time) *watch.Error {
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
		l.tellWaiting(e)
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
		told.Class = watch.Denied
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
