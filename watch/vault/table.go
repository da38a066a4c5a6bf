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

// A table has the entries of all queries that are watched, and of those that
// were until a short time ago and for which something was issued. An entry comes
// up when its timer fires, unless an attempt is under way or it waits.
type table struct {
	entries   map[watch.ID]*entry
	timers    schedule.Timers[*entry]
	waiting   map[*entry]bool // they have come up while there is no Vault or no token
	unwatched int             // how many entries nobody watches
}

// resume has a sink get what e has, if that is good.
func (t *table) resume(e *entry, sink watch.Sink, now time.Time) {
	if e.sink == nil {
		t.unwatched--
	}
	e.sink, e.told = sink, nil
	if e.answer.known && now.Before(e.answer.goodUntil()) {
		e.publish(now)
	}
	if e.cancel != nil {
		return
	}
	at := now
	if e.answer.known {
		_, at = e.answer.step()
	}
	t.timers.Set(e, at)
}

// unwatch lets a query go. What may have been issued for it is kept for a
// while.
func (t *table) unwatch(id watch.ID) {
	e := t.entries[id]
	if e == nil || e.sink == nil {
		return
	}
	e.sink = nil
	t.unwatched++
	t.leave(e)
	switch {
	case e.cancel != nil && e.mayIssue: // it is seen to when that ends
	case e.cancel != nil:
		e.cancel()
		t.forget(e)
	default:
		t.shelve(e)
	}
}

const maxUnwatched = 4096 // how many queries are kept that nobody watches

// shelve keeps e, which nobody watches, for as long as what was issued for it
// need not be replaced. What was not, is forgotten.
func (t *table) shelve(e *entry) {
	t.leave(e)
	if !e.answer.known || !e.answer.issued || t.unwatched > maxUnwatched {
		t.forget(e)
		return
	}
	t.timers.Set(e, e.answer.goodUntil())
}

// leave has e neither come up nor wait.
func (t *table) leave(e *entry) {
	t.timers.Remove(e)
	delete(t.waiting, e)
}

func (t *table) forget(e *entry) {
	t.unwatched--
	t.leave(e)
	delete(t.entries, e.id)
}

// set has e come up at a time, or where nobody watches it and nothing is kept
// for it, never.
func (t *table) set(e *entry, at time.Time) {
	if e.sink == nil {
		t.shelve(e)
		return
	}
	t.timers.Set(e, at)
}

// recovery is the time over which entries are spread that could all go on at one
// moment.
const recovery = time.Second

// release has the entries come up that wait; one by itself at once.
func (t *table) release(now time.Time) {
	over := min(recovery, time.Duration(len(t.waiting)-1)*time.Millisecond)
	for e := range t.waiting {
		e.failures = 0
		t.set(e, now.Add(jitter(over)))
	}
	clear(t.waiting)
}

// wait has an entry wait until it is released.
func (t *table) wait(e *entry) {
	t.leave(e)
	t.waiting[e] = true
}

// jitter returns a random time of at most d.
func jitter(d time.Duration) time.Duration { return rand.N(max(d, 1)) }

// An entry is a query and what the loop knows of it. It belongs to the loop.
type entry struct {
	id      watch.ID
	query   watch.Query
	sink    watch.Sink // nil: nobody watches it; it is kept for what was issued
	fetcher fetch.Fetcher
	answer  answer

	cancel   context.CancelFunc // of what is under way; nil: nothing is
	mayIssue bool               // that may issue or write something

	told     error        // what the sink was told last, where that was a failure
	cause    *watch.Error // the newest failure of its own; nil: none since its last success
	failures int          // of its own, in a row
	inDoubt  bool         // that may be because Vault is away

	warned map[string]bool // the warnings that were passed on
}

// An answer is what was published last.
type answer struct {
	known  bool
	issued bool // for this query
	data   any
	lease  lease.Lease
	epoch  *epoch    // what was issued hangs on this token; nil: on none
	move   time.Time // when it is to be asked for anew, because of its token; zero: it need not
}

// An epoch is the time of one token.
type epoch struct {
	token.Epoch
	refused bool // it has ended: Vault does not know the token
}

func (a *answer) step() (lease.Step, time.Time) {
	step, at := a.lease.Next()
	if !a.move.IsZero() && a.move.Before(at) {
		return lease.Replace, a.move
	}
	return step, at
}

// end returns when it is no good any more, zero for never.
func (a *answer) end() time.Time {
	end := a.lease.End()
	if e := a.epoch; e != nil && !e.Ends.IsZero() && (end.IsZero() || e.Ends.Before(end)) {
		return e.Ends
	}
	return end
}

// goodUntil returns when it is to be replaced.
func (a *answer) goodUntil() time.Time {
	if until := a.lease.ReplaceAt(); a.move.IsZero() || until.Before(a.move) {
		return until
	}
	return a.move
}

func (a *answer) secret() *watch.Secret {
	s, _ := watch.Reveal(a.data).(*watch.Secret)
	return s
}

// renews reports whether the answer is to be renewed now, rather than asked for
// anew.
func (a *answer) renews(now time.Time) bool {
	if !a.known || !a.move.IsZero() && !a.move.After(now) {
		return false
	}
	step, _ := a.step()
	return step == lease.Renew
}

// moveAt plans when to ask anew, before the end of the token on which the answer
// hangs.
func (e *entry) moveAt(now time.Time) time.Time {
	if e.answer.epoch.refused {
		return now.Add(jitter(recovery))
	}
	return lease.Move(now, e.answer.epoch.Ends, rand.Float64())
}

func (e *entry) publish(now time.Time) {
	e.told = nil
	if e.sink != nil {
		e.sink.Publish(watch.Answer{Data: e.answer.data, Time: now})
	}
}

// fail tells the sink of err, which is there because of cause.
func (e *entry) fail(err *watch.Error, cause error) {
	e.told = cause
	if e.sink != nil {
		e.sink.Fail(err)
	}
}
