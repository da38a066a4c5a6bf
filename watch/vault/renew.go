package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/vault/lease"
)

// renew extends what e holds.
func (l *loop) renew(e *entry) {
	r, cred := l.renewal(e)
	l.dispatch(e, false, func(ctx context.Context, rep *report) {
		s, err := l.desk.keep(ctx, r, cred)
		if err != nil {
			r.token = cred.token
			rep.err = &requestError{r, err}
		}
		rep.apply = func(l *loop, rep report) { l.renewed(rep, s) }
	})
}

// renewal returns the request that renews what e holds, and who makes it.
func (l *loop) renewal(e *entry) (request, credential) {
	if own := ownToken(e); own != "" {
		return request{
			method: http.MethodPut, path: "auth/token/renew-self", body: map[string]any{"increment": 0},
		}, credential{token: own}
	}
	return request{
		method: http.MethodPut, path: "sys/leases/renew",
		body: map[string]any{"lease_id": e.held.ID, "increment": 0},
	}, l.cred
}

// ownToken returns the token that e's answer is, "" where it is none.
func ownToken(e *entry) token {
	if s, ok := watch.Reveal(e.data).(*watch.Secret); ok && s != nil && s.Auth != nil {
		return token(s.Auth.ClientToken)
	}
	return ""
}

// renewed takes what came of a renewal. Nothing is published: the answer is the
// same.
func (l *loop) renewed(r report, s *watch.Secret) {
	e, now := r.entry, time.Now()
	if e.gone {
		return
	}
	if r.err != nil {
		l.renewalFailed(r, now)
		return
	}
	t, err := lease.Of(s, r.begun)
	if err != nil || s == nil {
		t = lease.Terms{}
	}
	e.held = e.held.Renewed(r.begun, t.Life, s != nil && t.Renewable)
	item := loan{own: ownToken(e)}
	if item.own == "" {
		item.id = e.held.ID
	}
	l.ledger.note(item, e.held.End())
	if e.failing {
		e.publish(now)
	}
	l.healed(e)
	l.keep(e, e.held)
}

// renewalFailed plans what to do about a lease that could not be renewed. It is
// not asked for anew before it nears its end, but where Vault has taken it back.
func (l *loop) renewalFailed(r report, now time.Time) {
	e := r.entry
	var failed *requestError
	errors.As(r.err, &failed)
	switch own := ownToken(e) != ""; {
	case refusedToken(r.err) && !own:
		l.refused(r.cred)
		l.postpone(r, now)
	case !definite(r.err):
		l.postpone(r, now)
	default:
		l.notice(e, fmt.Sprintf("failed to renew: %s", classify(e.query, failed.request, failed.err).Err))
		e.held = e.held.Refused()
		if lost(r.err) {
			e.move = now.Add(spread(rush))
		}
		l.keep(e, e.held)
	}
}

// postpone has e try the renewal again, in time.
func (l *loop) postpone(r report, now time.Time) {
	e := r.entry
	err := l.told(e, r)
	e.failures++
	e.fail(err)
	e.held = e.held.Postponed(now.Add(l.delay(e, err, now)))
	l.keep(e, e.held)
	if isAway(r.err) {
		l.away(e, err, now)
	}
}

// definite tells whether Vault has refused a request for good.
func definite(err error) bool {
	var answer *responseError
	return errors.As(err, &answer) && answer.Status < 500 && answer.Status != http.StatusTooManyRequests &&
		answer.Status != http.StatusRequestTimeout && answer.Status != http.StatusPreconditionFailed
}

// lost tells whether Vault has no such lease or token any more.
func lost(err error) bool {
	var answer *responseError
	if !errors.As(err, &answer) {
		return false
	}
	for _, text := range []string{"not found", "expired", "revoked", "invalid lease"} {
		if answer.says(text) {
			return true
		}
	}
	return refusedToken(answer) || strings.Contains(answer.Error(), "bad token")
}
