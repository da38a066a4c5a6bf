package vault

import (
	"context"
	"time"

	"restencil/watch"
	"restencil/watch/vault/lease"
)

// An entry is a query and what the loop knows of it. It belongs to the loop.
type entry struct {
	id      watch.ID
	query   watch.Query
	sink    watch.Sink // nil: nobody watches it; it is kept for what was issued
	subject subject
	shelved bool // it counts as one that nobody watches
	gone    bool // it is forgotten; what its visit brings counts for nothing

	visiting bool               // a visit is under way
	cancel   context.CancelFunc // of that
	makes    bool               // a visit may issue or write something

	known   bool
	made    bool // what was published was issued or written for this query
	data    any  // what was published last
	held    lease.Lease
	expires time.Time // when what was published is no good any more, where held does not say so
	tenure  *tenure   // what was issued hangs on this token; nil: on none
	move    time.Time // when it is to be asked for anew, because of its token; zero: it need not
	again   bool      // try to renew before it is asked for anew
	checked bool      // the mount has been looked at anew for what is missing

	failures int  // visits that failed in a row
	failing  bool // the sink was told so
	denied   bool // another token may do what this one may not
	heard    int  // the number of the outage that the sink was told of

	assumed time.Time       // it was not found out what is mounted; until then it is a version 1
	warned  map[string]bool // the warnings that were passed on
}

// maxWarnings is how many different warnings of a query are passed on.
const maxWarnings = 100

// warn passes a text on, but only once.
func (e *entry) warn(text string) bool {
	if e.warned[text] || len(e.warned) >= maxWarnings {
		return false
	}
	if e.warned == nil {
		e.warned = make(map[string]bool)
	}
	e.warned[text] = true
	return true
}

func (e *entry) publish(now time.Time) {
	e.failing = false
	if e.sink != nil {
		e.sink.Publish(watch.Answer{Data: e.data, Time: now})
	}
}

func (e *entry) fail(err *watch.Error) {
	e.failing = true
	if e.sink != nil {
		e.sink.Fail(err)
	}
}

// step returns what is to be done next, and when.
func (e *entry) step() (lease.Step, time.Time) {
	step, at := e.held.Next()
	if !e.move.IsZero() && e.move.Before(at) {
		return lease.Replace, e.move
	}
	return step, at
}

// renews tells whether what e has is to be renewed rather than asked for anew: in
// its time, and after that once more where asking has failed for a while.
func (e *entry) renews(now time.Time) bool {
	if !e.known || !e.held.Renews() || !e.move.IsZero() && !e.move.After(now) {
		return false
	}
	step, _ := e.step()
	return step == lease.Renew || e.again && now.Before(e.end())
}

// end returns when what was published is no good any more, zero for never.
func (e *entry) end() time.Time {
	end := e.held.End()
	if !e.expires.IsZero() {
		end = e.expires
	}
	if t := e.tenure; t != nil && !t.ends.IsZero() && (end.IsZero() || t.ends.Before(end)) {
		end = t.ends
	}
	return end
}

// A tenure is the time of one token. It ends with it.
type tenure struct {
	generation int
	ends       time.Time // zero: not known, or never
	refused    bool      // it has ended: Vault does not know it
}
