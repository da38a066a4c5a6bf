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

// certain reports whether Vault is away.
func (o *outage) certain() bool { return o.breaker.Failures() > 1 }

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

// tellWaiting tells the sink of e, which waits, why no query is answered at the
// moment: once, and where that is certain.
func (l *loop) tellWaiting(e *entry) {
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
