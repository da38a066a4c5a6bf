package vault

import (
	"math/rand/v2"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
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

// maxUnwatched is how many queries are kept that nobody watches.
const maxUnwatched = 4096

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

// forget forgets an entry that nobody watches.
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
