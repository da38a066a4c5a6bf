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

// An outage is a time in which Vault as a whole does not answer. Only probes are
// sent then. The cause of the first failure may be one query: the outage is
// certain when a probe has failed.
type outage struct {
	breaker  schedule.Breaker
	err      error // the reported cause
	statuses []int // the statuses of all causes; 0: no reply
}

// certain reports whether Vault is away.
func (o *outage) certain() bool { return o.breaker.Failures() > 1 }

const probeTimeout = 10 * time.Second

// probed handles the result of a probe. If Vault replied, all waiting entries
// continue; if the outage was not certain yet, the failed queries keep their
// backoff. Otherwise the probe counts as an attempt of all waiting entries; one of
// them reports it, for attempts may be limited.
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
	// The cause may change: a Vault that was restarted is sealed, and waits for a
	// person. Each status is reported once, for they may alternate.
	status := client.Status(err)
	changed := !slices.Contains(o.statuses, status)
	if changed {
		o.err, o.statuses = err, append(o.statuses, status)
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
	if changed && l.options.Notice != nil {
		l.options.Notice(fmt.Errorf("vault: still no answers: %w (the files stay as they are; retrying)", o.err))
	}
}

// reportWaiting reports to the sink of e, which waits, why no query is answered:
// once per cause, and only if that is certain.
func (l *loop) reportWaiting(e *entry) {
	err := l.tokenErr
	switch {
	case l.outage.certain():
		err = l.outage.err
	case errors.Is(err, token.ErrPending):
		return
	}
	if err != nil && e.reported != err {
		failure := explain(e.query, err)
		failure.All = true
		e.fail(failure, err)
	}
}

// failed reports the error of an attempt, and schedules the next.
func (l *loop) failed(e *entry, under *epoch, err error, now time.Time) {
	if limited, ok := errors.AsType[*limit.Error](err); ok {
		l.limited(e, limited, now)
		return
	}
	failure := l.report(e, under, err)
	if failure.Class == watch.Denied && under != l.epoch { // a newer token is there, which may do more
		e.failures = 0
	}
	if !l.options.Retry.Spent(e.failures) {
		l.table.set(e, now.Add(e.delay(l.options.Retry, failure, now)))
	}
	l.doubt(e, err, now)
}

// report reports an error of e to its sink, and a token that Vault does not know to
// the manager.
func (l *loop) report(e *entry, under *epoch, err error) *watch.Error {
	failure := explain(e.query, err)
	if failure.All { // the leases of the token have ended with it
		under.refused = true
		l.tokens.Refused(under.Epoch)
	}
	e.failures++
	e.failure = failure
	e.fail(failure, err)
	return failure
}

// doubt handles an error that may be due to an outage.
func (l *loop) doubt(e *entry, err error, now time.Time) {
	if _, ok := errors.AsType[*client.Error](err); !ok || !client.Unreachable(err) {
		return
	}
	if l.outage.breaker.Fail(err, now) {
		l.outage.err, l.outage.statuses = err, []int{client.Status(err)}
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

// explain returns err as the failure of a query.
func explain(q watch.Query, err error) *watch.Error {
	failure := &watch.Error{
		Query: q, Err: err,
		Class: client.Class(err), RetryAfter: client.RetryAfter(err), All: client.RefusedToken(err),
	}
	if none, ok := errors.AsType[*token.Error](err); ok {
		failure.Class, failure.RetryAfter, failure.Attempts, failure.All = none.Class, none.RetryAfter, none.Attempts, true
	} else if _, ok := errors.AsType[*fetch.MissingError](err); ok {
		failure.Class, failure.Gone = watch.Denied, true
	}
	return failure
}

// limited schedules e for when something may be issued. It reports that only if the
// answer becomes invalid before, with the error of a failed attempt that may have
// issued something.
func (l *loop) limited(e *entry, err *limit.Error, now time.Time) {
	a := &e.answer
	end := a.end()
	if !a.known || !end.IsZero() && end.Before(err.Until) {
		failure := &watch.Error{Query: e.query, Class: watch.Denied, RetryAfter: err.Until.Sub(now), Err: err}
		if e.failure != nil {
			failure.Class = e.failure.Class
			failure.Err = fmt.Errorf("%w; that may have issued something, so the next attempt is made at %s (issue_every)",
				e.failure.Err, err.Until.Format(time.TimeOnly))
		}
		e.fail(failure, err)
	}
	l.table.set(e, err.Until.Add(time.Millisecond))
}

// maxRotationDelay is the longest delay for a secret that is just being rotated:
// what was rendered with the old one is wrong.
const maxRotationDelay = time.Second

// delay returns the delay after a failure. There are several attempts before the
// answer becomes invalid.
func (e *entry) delay(retry schedule.Backoff, err *watch.Error, now time.Time) time.Duration {
	wait := retry.Delay(e.failures)
	if left := e.answer.end().Sub(now); e.answer.known && left > 0 {
		wait = min(wait, max(left/5, retry.Base, time.Millisecond))
	}
	if errors.Is(err.Err, lease.ErrNoTTL) {
		wait = min(wait, max(maxRotationDelay, retry.Base))
	}
	return max(wait, err.RetryAfter, time.Millisecond)
}
