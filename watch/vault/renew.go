package vault

import (
	"context"
	"fmt"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
)

// renew extends what e holds.
func (l *loop) renew(e *entry) {
	under, own := l.epoch, e.answer.token()
	r := client.RenewLease(e.answer.lease.ID, under.Token)
	if own != "" {
		r = client.RenewToken(own)
	}
	l.attempt(e, false, func(ctx context.Context) report {
		begun := time.Now()
		s, err := l.requester.Call(ctx, r)
		return func(now time.Time) {
			if err != nil {
				l.renewalFailed(e, under, own != "", err, now)
				return
			}
			terms, err := lease.Of(s, begun)
			if err != nil {
				terms = lease.Terms{}
			}
			e.answer.lease = e.answer.lease.Renewed(begun, terms.Life, terms.Renewable)
			l.requester.Leases.Extend(e.answer.secret(), e.answer.lease.End())
			if e.told != nil { // otherwise nothing is published: the answer is the same
				e.publish(now)
			}
			l.keep(e, now)
		}
	})
}

// renewalFailed plans what to do about a lease that could not be renewed. It is
// not asked for anew before it nears its end, but where Vault has taken it back.
func (l *loop) renewalFailed(e *entry, under *epoch, own bool, err error, now time.Time) {
	held := &e.answer.lease
	if client.Class(err) == watch.Denied && (own || !client.RefusedToken(err)) {
		l.notice(e, fmt.Sprintf("failed to renew: %s", err))
		*held = held.Refused()
		if client.Lost(err) {
			e.answer.move = now.Add(jitter(recovery))
		}
		l.plan(e, now)
		return
	}
	told := l.tell(e, under, err, now)
	*held = held.Postponed(now.Add(e.delay(l.options.Retry, told, now)))
	l.plan(e, now)
	l.doubt(e, err, now)
}
