package vault

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/transport"
	"restencil/watch/vault/client"
	"restencil/watch/vault/fetch"
	"restencil/watch/vault/lease"
)

// A loop keeps all queries of a source current. It belongs to the goroutine of Run.
// Requests run in goroutines, which report to it.
type loop struct {
	*Source

	ctx     context.Context
	grace   context.Context // of requests that may issue something: ends shutdownGrace later
	reports chan report
	busy    int // requests under way

	table    *table
	outage   outage
	epoch    *epoch // of the newest token
	tokenErr error  // why there is none
}

// A report handles the result of a request in the loop's goroutine.
type report func(now time.Time)

// shutdownGrace is how long requests that may issue something may take after ctx
// has ended: what they issue can be revoked only if it is known.
const shutdownGrace = time.Second

// run serves the queries in the inbox until ctx and every request have ended.
func (l *loop) run(ctx context.Context) {
	var abandon context.CancelFunc
	l.ctx = ctx
	l.grace, abandon = context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	l.takeToken(time.Now())
	for ctx.Err() == nil {
		now := time.Now()
		for _, s := range l.inbox.Take() {
			l.take(s, now)
		}
		select {
		case <-ctx.Done():
		case <-schedule.At(l.proceed(now)):
		case <-l.inbox.Wakeup:
		case <-l.tokens.Changed():
			l.takeToken(time.Now())
		case settle := <-l.reports:
			l.busy--
			if ctx.Err() == nil {
				settle(time.Now())
			}
		}
	}
	last := time.AfterFunc(shutdownGrace, abandon)
	defer last.Stop()
	for ; l.busy > 0; l.busy-- {
		<-l.reports
	}
}

// take begins to keep a query current, or without a sink ends that. It reuses what
// was issued for the query before.
func (l *loop) take(s watch.Subscription, now time.Time) {
	e := l.table.entries[s.ID]
	switch {
	case s.Sink == nil:
		l.table.unwatch(s.ID)
		l.plans.Delete(s.ID)
	case e != nil:
		l.table.resume(e, s.Sink, now)
		if e.answer.known {
			l.plans.set(e)
		}
	default:
		q := s.ID.Value()
		f, kept, err := fetch.New(q, l.requester)
		if err != nil {
			s.Sink.Fail(&watch.Error{Query: q, Class: watch.Invalid, Err: err})
			return
		}
		e := &entry{id: s.ID, query: q, sink: s.Sink, fetcher: f, warned: make(map[string]bool)}
		l.table.entries[s.ID] = e
		if kept != nil { // without Vault and a token
			l.answered(e, l.epoch, *kept, now)
		} else {
			l.table.timers.Set(e, now)
		}
	}
}

// takeToken takes the manager's token. If it is a new one, it schedules the
// replacement of what Vault revokes with earlier ones, and retries what was denied.
func (l *loop) takeToken(now time.Time) {
	current, err := l.tokens.Current()
	l.tokenErr = err
	if err != nil {
		for e := range l.table.waiting {
			l.reportWaiting(e)
		}
		return
	}
	if current.Number == l.epoch.Number {
		l.epoch.Epoch = current
		l.table.release(now)
		return
	}
	l.epoch = &epoch{Epoch: current}
	l.requester.NewToken(current.Number)
	for _, e := range l.table.entries {
		a, due, again := &e.answer, l.table.timers.Due(e), time.Time{}
		if a.epoch != nil && a.epoch != l.epoch && a.move.IsZero() {
			a.move = a.moveAt(now)
			again = a.move
		}
		denied := e.failure != nil && e.failure.Class == watch.Denied
		if denied && e.sink != nil && !due.IsZero() {
			e.failures = 0
			again = schedule.Earliest(again, now.Add(jitter(recovery)))
		}
		if !due.IsZero() { // neither does it wait, nor is an attempt under way
			l.table.timers.Set(e, schedule.Earliest(due, again))
		}
	}
	l.table.release(now)
}

// proceed begins what is due, up to MaxRequests, of which one is for a probe. It
// returns when to call it again, the zero time if nothing is due.
func (l *loop) proceed(now time.Time) (at time.Time) {
	breaker := &l.outage.breaker
	if l.busy < l.options.MaxRequests && breaker.Probe(now) {
		l.dispatch(l.ctx, func(ctx context.Context) report {
			ctx, cancel := context.WithTimeout(ctx, probeTimeout)
			defer cancel()
			standby := url.Values{"standbyok": {"true"}, "perfstandbyok": {"true"}}
			_, err := l.requester.Call(ctx, client.Request{Method: http.MethodGet, Path: "sys/health", Query: standby})
			return func(now time.Time) { l.probed(err, now) }
		})
	}
	for l.busy < max(1, l.options.MaxRequests-1) {
		e, ok := l.table.timers.Pop(now)
		if !ok {
			at = l.table.timers.Next()
			break
		}
		a := &e.answer
		switch renew, _ := a.next(); {
		case e.sink == nil:
			l.table.forget(e)
		case breaker.Open(), l.tokenErr != nil:
			l.table.wait(e)
			l.reportWaiting(e)
		case a.known && renew && (a.move.IsZero() || a.move.After(now)):
			l.renew(e)
		default:
			l.fetch(e)
		}
	}
	if l.busy < l.options.MaxRequests {
		at = schedule.Earliest(at, breaker.NextProbe())
	}
	return at
}

// dispatch calls do in a goroutine, and passes its report to the loop.
func (l *loop) dispatch(ctx context.Context, do func(context.Context) report) context.CancelFunc {
	ctx, cancel := context.WithCancel(ctx)
	l.busy++
	go func() {
		defer cancel()
		l.reports <- do(ctx)
	}()
	return cancel
}

// attempt dispatches do for e. The report is dropped if e has been forgotten.
func (l *loop) attempt(e *entry, mayIssue bool, do func(context.Context) report) {
	ctx := l.ctx
	if mayIssue {
		ctx = l.grace
	}
	e.mayIssue = mayIssue
	e.cancel = l.dispatch(ctx, func(ctx context.Context) report {
		settle := do(ctx)
		return func(now time.Time) {
			e.cancel = nil
			if l.table.entries[e.id] == e {
				settle(now)
			}
		}
	})
}

// fetch makes an attempt to answer e.
func (l *loop) fetch(e *entry) {
	under := l.epoch
	current, private := under.Epoch, e.query.Private // copies: the loop may change them
	l.attempt(e, e.fetcher.MayIssue(), func(ctx context.Context) report {
		result, err := e.fetcher.Fetch(transport.Private(ctx, private), current)
		return func(now time.Time) {
			for _, w := range result.Warnings {
				l.warn(e, w)
			}
			if err != nil {
				l.failed(e, under, err, now)
				return
			}
			l.answered(e, under, result, now)
		}
	})
}

// answered takes the result of a request with the token of an epoch.
func (l *loop) answered(e *entry, under *epoch, result fetch.Result, now time.Time) {
	held := result.Lease
	e.answer = answer{known: true, data: result.Data, issued: result.Issued, lease: held}
	// Vault revokes a lease, and a child token, with the token that requested
	// it. A token from a login is no child.
	if held.ID != "" || held.Token && strings.HasPrefix(e.query.Name, "auth/token/") {
		e.answer.epoch = under
	}
	e.publish(now)
	l.succeeded(e, now)
}

// succeeded resets the failures of e, and schedules its next step.
func (l *loop) succeeded(e *entry, now time.Time) {
	e.failures, e.failure, e.inDoubt = 0, nil, false
	l.plan(e, now)
}

// plan schedules the next step of e.
func (l *loop) plan(e *entry, now time.Time) {
	if under := e.answer.epoch; under != nil && (under.refused || under != l.epoch) && l.tokenErr == nil {
		e.answer.move = e.answer.moveAt(now)
	}
	_, at := e.answer.next()
	l.table.set(e, at)
	if e.sink != nil {
		l.plans.set(e)
	}
}

const maxWarnings = 100 // different ones of a query

// warn passes a warning about e on, once.
func (l *loop) warn(e *entry, text string) {
	if l.options.Notice == nil || e.warned[text] || len(e.warned) >= maxWarnings {
		return
	}
	e.warned[text] = true
	l.options.Notice(fmt.Errorf("%s: %s", e.query.Describe(false), text))
}

// renew renews the lease of e, or the token that it is.
func (l *loop) renew(e *entry) {
	under := l.epoch
	secret, _ := watch.Reveal(e.answer.data).(*watch.Secret)
	body := map[string]any{"lease_id": e.answer.lease.ID, "increment": 0}
	r := client.Request{Method: http.MethodPut, Path: "sys/leases/renew", Body: body, Token: under.Token}
	own := secret != nil && secret.Auth != nil && secret.Auth.ClientToken != "" // the answer is a token
	if own {
		r = client.RenewToken(client.Token(secret.Auth.ClientToken))
	}
	l.attempt(e, false, func(ctx context.Context) report {
		begun := time.Now()
		s, err := l.requester.Call(ctx, r)
		return func(now time.Time) {
			if err != nil {
				l.renewalFailed(e, under, own, err, now)
				return
			}
			terms, err := lease.Of(s, begun)
			if err != nil {
				terms = lease.Terms{}
			}
			e.answer.lease = e.answer.lease.Renewed(begun, terms.Life, terms.Renewable)
			l.requester.Leases.Extend(secret, e.answer.lease.End())
			if e.reported != nil { // else the sink knows the answer
				e.publish(now)
			}
			l.succeeded(e, now)
		}
	})
}

// renewalFailed plans what to do about a lease that could not be renewed: it is
// replaced near its end, or at once if Vault has revoked it.
func (l *loop) renewalFailed(e *entry, under *epoch, own bool, err error, now time.Time) {
	held := &e.answer.lease
	if client.Class(err) == watch.Denied && (own || !client.RefusedToken(err)) {
		l.warn(e, fmt.Sprintf("not renewed: %s (it stays in use until it is near its end)", err))
		*held = held.Refused()
		if client.Lost(err) {
			e.answer.move = now.Add(jitter(recovery))
		}
		l.plan(e, now)
		return
	}
	failure := l.report(e, under, err)
	*held = held.Postponed(now.Add(e.delay(l.options.Retry, failure, now)))
	l.plan(e, now)
	l.doubt(e, err, now)
}
