package vault

import (
	"context"
	"math/rand/v2"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/fetch"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/token"
)

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

// step returns what is to be done next, and when.
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

// secret returns the answer as a secret, nil where it is none.
func (a *answer) secret() *watch.Secret {
	s, _ := watch.Reveal(a.data).(*watch.Secret)
	return s
}

// token returns the token that the answer is, "" where it is none.
func (a *answer) token() client.Token {
	if s := a.secret(); s != nil && s.Auth != nil {
		return client.Token(s.Auth.ClientToken)
	}
	return ""
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
