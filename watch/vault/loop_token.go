package vault

import (
	"math/rand/v2"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/vault/lease"
)

// takeCredential takes what the session has.
func (l *loop) takeCredential(now time.Time) {
	c, err := l.holder.current()
	if err != nil {
		l.credErr = err
		l.silence++
		for e := range l.lacking {
			l.lack(e, now)
		}
		return
	}
	another := c.generation != l.cred.generation
	l.cred, l.credErr = c, nil
	t := l.tenureOf(c)
	t.ends = c.ends
	if another {
		l.succeed(now)
	}
	waiting := l.lacking
	l.lacking = make(entries)
	l.release(waiting, now)
}

// tenureOf returns that of a token.
func (l *loop) tenureOf(c credential) *tenure {
	t := l.tenures[c.generation]
	if t == nil {
		t = &tenure{generation: c.generation, ends: c.ends}
		l.tenures[c.generation] = t
	}
	return t
}

// refused tells the session that Vault does not know a token. Its leases have
// gone with it.
func (l *loop) refused(c credential) {
	l.tenureOf(c).refused = true
	l.holder.refused(c)
}

// succeed has all that hangs on earlier tokens move to the newest, in good
// time, and what was denied try again at once.
func (l *loop) succeed(now time.Time) {
	used := map[int]*tenure{l.cred.generation: l.tenureOf(l.cred)}
	for _, e := range l.entries {
		if e.tenure != nil {
			used[e.tenure.generation] = e.tenure
			if e.tenure.generation != l.cred.generation && e.move.IsZero() {
				l.move(e, now)
			}
		}
		e.assumed = time.Time{}
		if e.denied && !e.visiting && l.timers.Has(e) && e.sink != nil {
			e.failures = 0
			l.timers.Advance(e, now.Add(spread(rush)))
		}
	}
	l.tenures = used
}

// move has e ask anew before its token's end.
func (l *loop) move(e *entry, now time.Time) {
	e.move = lease.Move(now, e.tenure.ends, rand.Float64())
	if e.tenure.refused {
		e.move = now.Add(spread(rush))
	}
	l.timers.Advance(e, e.move)
}

// hangsOnToken tells whether Vault takes back what e got when the token ends
// that it was asked for with. A token from a login is nobody's child.
func hangsOnToken(q watch.Query, held lease.Lease) bool {
	return held.ID != "" || strings.HasPrefix(q.Name, "auth/token/")
}
