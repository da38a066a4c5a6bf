package vault

import (
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/vault/lease"
)

// takeToken takes what the manager has.
func (l *loop) takeToken(now time.Time) {
	current, err := l.tokens.Current()
	l.tokenErr = err
	if err != nil {
		for e := range l.table.waiting {
			l.tellWaiting(e)
		}
		return
	}
	if current.Number == l.epoch.Number {
		l.epoch.Epoch = current
	} else {
		l.epoch = &epoch{Epoch: current}
		l.succeed(now)
	}
	l.table.release(now)
}

// succeed has all that hangs on earlier tokens move to the newest, in good
// time, and what was denied try again at once.
func (l *loop) succeed(now time.Time) {
	l.requester.NewToken()
	for _, e := range l.table.entries {
		a := &e.answer
		if a.epoch != nil && a.epoch != l.epoch && a.move.IsZero() {
			a.move = e.moveAt(now)
			l.table.timers.Advance(e, a.move)
		}
		if e.cause != nil && e.cause.Class == watch.Denied {
			l.table.hasten(e, now)
		}
	}
}

// refused tells the manager that Vault does not know a token. Its leases have
// gone with it.
func (l *loop) refused(under *epoch) {
	under.refused = true
	l.tokens.Refused(under.Epoch)
}

// hangsOnToken reports whether Vault takes back what was got when the token ends
// that it was asked for with. A token from a login is nobody's child.
func hangsOnToken(q watch.Query, held lease.Lease) bool {
	return held.ID != "" || held.Token && strings.HasPrefix(q.Name, "auth/token/")
}
