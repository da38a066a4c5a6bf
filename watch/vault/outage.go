package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"restencil/watch/schedule"
	"restencil/watch/vault/client"
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

func newOutage(retry schedule.Backoff) outage {
	return outage{breaker: schedule.Breaker{Backoff: retry.Probes(), Doubt: true}}
}

// certain reports whether Vault is away.
func (o *outage) certain() bool { return o.breaker.Failures() > 1 }

// begin notes what may be the beginning of an outage.
func (o *outage) begin(err error, now time.Time) {
	if o.breaker.Fail(err, now) {
		o.err, o.shown = err, []int{client.Status(err)}
	}
}

// probeFailed notes that a probe has failed, and reports whether the outage goes
// on in another way than it began: a Vault that was started again is sealed, and
// waits for a person. Each status is told once, for they may alternate.
func (o *outage) probeFailed(err error, now time.Time) bool {
	o.breaker.ProbeFailed(err, now)
	status := client.Status(err)
	if slices.Contains(o.shown, status) {
		return false
	}
	o.err, o.shown = err, append(o.shown, status)
	return true
}

// probeLimit is how long a probe may take.
const probeLimit = 10 * time.Second

// probe sends the probe that is due.
func (l *loop) probe() {
	l.dispatch(l.ctx, func(ctx context.Context) report {
		ctx, cancel := context.WithTimeout(ctx, probeLimit)
		defer cancel()
		_, err := l.requester.Call(ctx, client.Health())
		return func(now time.Time) { l.probed(err, now) }
	})
}

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
	turned := o.probeFailed(err, now)
	for e := range l.table.waiting {
		l.tellWaiting(e)
	}
	for e := range l.table.waiting {
		counted := explain(e.query, o.err)
		counted.All, counted.Attempts = true, o.breaker.Failures()
		e.fail(counted, o.err)
		break
	}
	if turned && l.options.Notice != nil {
		l.options.Notice(fmt.Errorf("still away: %w", o.err))
	}
}

// obstacle returns why no query is answered at the moment, nil where that is not
// certain.
func (l *loop) obstacle() error {
	switch {
	case l.outage.certain():
		return l.outage.err
	case errors.Is(l.tokenErr, token.ErrPending):
		return nil
	}
	return l.tokenErr
}

// tellWaiting tells the sink of e, which waits, of the obstacle, once.
func (l *loop) tellWaiting(e *entry) {
	if err := l.obstacle(); err != nil && e.told != err {
		told := explain(e.query, err)
		told.All = true
		e.fail(told, err)
	}
}
