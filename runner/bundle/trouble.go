package bundle

import (
	"math/rand/v2"
	"time"

	"restencil/runner/event"
	"restencil/runner/transaction"
	"restencil/watch/schedule"
)

// What a check or verify has proven bad is tried once more after againAfter, for
// what failed may have been passing. Then it is held, and tried rarely.
const (
	againAfter  = 10 * time.Second
	heldFor     = 5 * time.Minute
	heldAtMost  = time.Hour
	provenAfter = 2 // attempts
)

// trouble is what is known of attempts at a change that failed. The zero value
// is none.
type trouble struct {
	hash     string // of the change
	attempts int    // in a row
	proven   int    // of them, those in which a check or verify said no
	reason   string
	retry    time.Time
}

// retryAt is when a change to hash may be tried again, zero: at once.
func (t trouble) retryAt(hash string) time.Time {
	if t.hash != hash {
		return time.Time{} // other data is a new chance
	}
	return t.retry
}

// held tells whether the change is held: it has been proven bad.
func (t trouble) held() bool { return t.proven >= provenAfter }

// troubled notes that a change of g to hash failed, and says when it is tried
// again. What was proven bad is kept, to be looked at, in the directory returned.
func (b *Bundle) troubled(g *group, hash string, c *transaction.Change) (kept string) {
	t := &g.trouble
	if t.hash != hash {
		*t = trouble{hash: hash}
	}
	t.attempts++
	t.reason = string(c.Step) + " failed: " + c.Err.Error()
	wait := delay(b.spec.Retry, t.attempts)
	if c.Step == event.Check || c.Step == event.Verify {
		t.proven++
		switch {
		case t.held():
			wait = min(heldFor<<min(t.proven-provenAfter, 10), heldAtMost)
		default:
			wait = max(wait, againAfter)
		}
	}
	g.accepted = ""
	t.retry = time.Now().Add(wait)
	if t.proven > 0 {
		b.remember(g)
		kept = b.memory.rejected(t.reason, b.generation(g, c))
	}
	return kept
}

// holdProven tells that a change is held that has been proven bad.
func (b *Bundle) holdProven(g *group) {
	if g.trouble.held() {
		b.hold(g, g.trouble.reason)
	}
}

// delay is how long to wait after so many failures in a row: at least half of
// what the backoff allows, so that it grows visibly.
func delay(b schedule.Backoff, failures int) time.Duration {
	most := b.Ceiling(failures)
	if most <= 0 {
		return 0
	}
	return most/2 + rand.N(most-most/2+1)
}
