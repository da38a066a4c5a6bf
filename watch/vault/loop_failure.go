package vault

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"restencil/watch"
	"restencil/watch/vault/lease"
)

// failed takes the error of a visit, tells of it and plans the next.
func (l *loop) failed(r report, now time.Time) {
	e := r.entry
	var spent *spentError
	switch {
	case errors.Is(r.err, errNothingKept):
		l.retry(e, now)
		return
	case errors.As(r.err, &spent):
		l.wait(e, spent, now)
		return
	}
	err := l.told(e, r)
	e.failures++
	e.denied = err.Class == watch.Denied
	e.again = err.Class == watch.Retry
	e.fail(err)
	l.retry(e, now.Add(l.delay(e, err, now)))
	if isAway(r.err) {
		l.away(e, err, now)
	}
}

// told returns the error that the sink hears of. A token that Vault does not
// know is told to the session.
func (l *loop) told(e *entry, r report) *watch.Error {
	var failed *requestError
	if errors.As(r.err, &failed) {
		if refusedToken(failed.err) {
			l.refused(r.cred)
		}
		return classify(e.query, failed.request, failed.err)
	}
	var missing *missingError
	if errors.As(r.err, &missing) {
		return &watch.Error{Query: e.query, Class: watch.Denied, Err: missing}
	}
	return &watch.Error{Query: e.query, Class: watch.Retry, Err: r.err}
}

// retry has e come up at that time, or where nobody watches it and nothing is
// kept for it, never.
func (l *loop) retry(e *entry, at time.Time) {
	if e.sink == nil {
		l.shelve(e)
		return
	}
	l.timers.Set(e, at)
}

// wait has e wait until the allowance has something left. Nobody needs to hear
// of that as long as what e has is good.
func (l *loop) wait(e *entry, spent *spentError, now time.Time) {
	if end := e.end(); !spent.soon && (!e.known || !end.IsZero() && end.Before(spent.until)) {
		e.fail(&watch.Error{Query: e.query, Class: watch.Denied, RetryAfter: spent.until.Sub(now), Err: spent})
	}
	at := spent.until.Add(time.Millisecond)
	if left := e.end().Sub(now); e.known && e.held.Renews() && left > 0 { // it may do to renew it, after all
		e.again = true
		at = earlier(at, now.Add(max(left/5, l.options.Retry.Base)))
	}
	l.retry(e, at)
}

// How much slower than others what is denied is tried again, in failures; and
// the longest pace where there is none configured.
const (
	deniedHead = 3
	slowest    = time.Minute
)

// rotation is the longest wait for a secret that is just being rotated: until it
// is read, what was rendered with it is wrong.
const rotation = time.Second

// delay returns how long to wait after a failure. Before the end of what e has
// there are several tries.
func (l *loop) delay(e *entry, err *watch.Error, now time.Time) time.Duration {
	pace := l.options.Retry
	d := pace.Delay(e.failures)
	switch err.Class {
	case watch.Denied:
		d = pace.Delay(e.failures + deniedHead)
	case watch.Invalid:
		longest := pace.Max
		if longest <= 0 {
			longest = slowest
		}
		d = longest/2 + rand.N(longest/2+1)
	}
	if left := e.end().Sub(now); left > 0 && e.known {
		d = min(d, max(left/5, pace.Base, time.Millisecond))
	}
	if errors.Is(err.Err, lease.ErrNoTTL) {
		d = min(d, max(rotation, pace.Base))
	}
	return max(d, err.RetryAfter, time.Millisecond)
}

// isAway tells whether an error says that Vault as a whole does not answer, be
// it that it is sealed.
func isAway(err error) bool {
	var failed *requestError
	if !errors.As(err, &failed) {
		return false
	}
	return unreachable(failed.err)
}

func unreachable(err error) bool {
	var answer *responseError
	if !errors.As(err, &answer) {
		return true
	}
	switch answer.Status {
	case http.StatusNotImplemented, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
