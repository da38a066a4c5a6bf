package vault

import (
	"context"
	"math/rand/v2"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/fetch"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/token"
)

// A table has the entries of all watched queries, and of those that were watched
// until recently and for which something was issued. An entry has a timer, unless
// an attempt is under way or it waits.
type table struct {
	entries   map[watch.ID]*entry
	timers    schedule.Timers[*entry]
	waiting   map[*entry]bool // they were due while Vault was away or there was no token
	unwatched int             // number of entries without a sink
}

// resume gives e a new sink, which gets the answer if that is still valid.
func (t *table) resume(e *entry, sink watch.Sink, now time.Time) {
	if e.sink == nil {
		t.unwatched--
	}
	e.sink, e.reported = sink, nil
	if e.answer.known && now.Before(e.answer.replaceAt()) {
		e.publish(now)
	}
	if e.cancel != nil {
		return
	}
	at := now
	if e.answer.known {
		_, at = e.answer.next()
	}
	t.timers.Set(e, at)
}

// unwatch ends the watching of a query. It keeps what may have been issued for it
// for a while.
func (t *table) unwatch(id watch.ID) {
	e := t.entries[id]
	if e == nil || e.sink == nil {
		return
	}
	e.sink = nil
	t.unwatched++
	t.unschedule(e)
	switch {
	case e.cancel != nil && e.mayIssue: // set is called when the attempt ends
	case e.cancel != nil:
		e.cancel()
		t.forget(e)
	default:
		t.set(e, time.Time{})
	}
}

const maxUnwatched = 4096 // number of entries without a sink that are kept

// unschedule removes the timer of e, or ends its waiting.
func (t *table) unschedule(e *entry) {
	t.timers.Remove(e)
	delete(t.waiting, e)
}

func (t *table) forget(e *entry) {
	t.unwatched--
	t.unschedule(e)
	delete(t.entries, e.id)
}

// set sets the timer of e. An entry without a sink is kept until what was issued
// for it would be replaced, or forgotten at once if nothing was.
func (t *table) set(e *entry, at time.Time) {
	if e.sink == nil {
		if !e.answer.known || !e.answer.issued || t.unwatched > maxUnwatched {
			t.forget(e)
			return
		}
		delete(t.waiting, e)
		at = e.answer.replaceAt()
	}
	t.timers.Set(e, at)
}

// recovery is the time over which attempts are distributed that could all be made
// at one moment.
const recovery = time.Second

// release ends the waiting of all entries; a single one is due at once.
func (t *table) release(now time.Time) {
	over := min(recovery, time.Duration(len(t.waiting)-1)*time.Millisecond)
	for e := range t.waiting {
		e.failures = 0
		t.set(e, now.Add(jitter(over)))
	}
	clear(t.waiting)
}

// wait makes an entry wait until release.
func (t *table) wait(e *entry) {
	t.unschedule(e)
	t.waiting[e] = true
}

// jitter returns a random duration of at most d.
func jitter(d time.Duration) time.Duration { return rand.N(max(d, 1)) }

// An entry is a query and what is known of it. It belongs to the loop.
type entry struct {
	id      watch.ID
	query   watch.Query
	sink    watch.Sink // nil if it is not watched, and kept for what was issued
	fetcher fetch.Fetcher
	answer  answer

	cancel   context.CancelFunc // of the attempt under way, or nil
	mayIssue bool               // that attempt may issue or write something

	reported error        // the cause of the sink's last failure, nil after an answer
	failure  *watch.Error // its own newest failure, nil after a success
	failures int          // its own, in a row
	inDoubt  bool         // perhaps it failed because Vault is away

	warned map[string]bool // the warnings that were passed on
}

// An answer is the last answer to a query.
type answer struct {
	known  bool
	issued bool // for this query
	data   any
	lease  lease.Lease
	epoch  *epoch    // Vault revokes it with this token; nil for none
	move   time.Time // when to replace it because of its token; zero for never
}

// An epoch is the time of one token.
type epoch struct {
	token.Epoch
	refused bool // Vault does not know the token any more
}

// next returns when to renew the answer, or if renew is false, to replace it.
func (a *answer) next() (renew bool, at time.Time) {
	renew, at = a.lease.Next()
	if !a.move.IsZero() && a.move.Before(at) {
		return false, a.move
	}
	return renew, at
}

// end returns when the answer becomes invalid, zero for never.
func (a *answer) end() time.Time {
	end := a.lease.End()
	if e := a.epoch; e != nil && !e.Ends.IsZero() && (end.IsZero() || e.Ends.Before(end)) {
		return e.Ends
	}
	return end
}

// replaceAt returns when to replace the answer.
func (a *answer) replaceAt() time.Time {
	if until := a.lease.ReplaceAt(); a.move.IsZero() || until.Before(a.move) {
		return until
	}
	return a.move
}

// moveAt returns when to replace the answer, before its token ends.
func (a *answer) moveAt(now time.Time) time.Time {
	if a.epoch.refused {
		return now.Add(jitter(recovery))
	}
	return lease.Move(now, a.epoch.Ends, rand.Float64())
}

// publish passes the answer to the sink.
func (e *entry) publish(now time.Time) {
	e.reported = nil
	if e.sink != nil {
		e.sink.Publish(watch.Answer{Data: e.answer.data, Time: now})
	}
}

// fail passes err, which is due to cause, to the sink.
func (e *entry) fail(err *watch.Error, cause error) {
	e.reported = cause
	if e.sink != nil {
		e.sink.Fail(err)
	}
}
