package token

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
)

// A task is a call that the manager makes.
type task int

const (
	obtain task = iota + 1 // log in, run a command, read a file, unwrap
	renew                  // renew the token
	lookup                 // look up when the token ends
)

// A life is the state of the token and the timers of its tasks. It is pure: the
// time is an argument.
type life struct {
	retry       schedule.Backoff
	renewing    bool   // the token is to be renewed
	replaceable bool   // another one can be obtained at any time: by a login or a command
	from        string // where the token comes from, for messages

	epoch Epoch       // of the newest token
	err   error       // why that is not usable, or nil
	lease lease.Lease // of the token; zero if it never ends, or that is unknown

	due schedule.Timers[task]
	ending

	failures      int           // of obtain, in a row
	checkFailures int           // of renew and lookup, in a row
	spare         *rate.Limiter // of tokens obtained because one was refused or may be lost
	notices       []error       // not passed on yet
}

// An ending is the state of a token that ends and has no successor.
type ending struct {
	renewErr error     // why it cannot be renewed
	warnAt   time.Time // when to warn of its end
	warned   bool      // its end was reported
}

// rules make a token be replaced, or its end be reported, after that share of its
// life: after its renewal, and with time for several attempts.
var rules = lease.Rules{Threshold: 0.75}

// The limit of life.spare.
const (
	spareEvery = 10 * time.Second
	spareBurst = 3
)

func newLife(o Options, retry schedule.Backoff) *life {
	retry.Max = cmp.Or(retry.Max, time.Minute)
	return &life{
		retry: retry, renewing: o.Renew, err: ErrPending,
		spare: rate.NewLimiter(rate.Every(spareEvery), spareBurst),
	}
}

func (l *life) usable() bool { return l.err == nil }

func (l *life) notice(format string, args ...any) {
	l.notices = append(l.notices, fmt.Errorf(format, args...))
}

// warn adds a notice about the token, once.
func (l *life) warn(format string, args ...any) {
	if !l.warned {
		l.warned = true
		l.notice(format, args...)
	}
}

// accept begins to use a new token, which was requested at a time.
func (l *life) accept(now, requested time.Time, g grant) {
	l.epoch = Epoch{Token: g.token, Number: l.epoch.Number + 1}
	l.err, l.lease, l.renewErr, l.warned = nil, lease.Lease{}, nil, false
	l.failures, l.checkFailures = 0, 0
	l.unschedule()
	switch {
	case g.token == "":
	case g.known:
		l.setTerms(requested, g)
	case l.renewing:
		l.due.Set(renew, now)
	case l.replaceable:
		l.due.Set(lookup, now)
	}
}

func (l *life) unschedule() {
	l.due, l.warnAt = schedule.Timers[task]{}, time.Time{}
}

// setTerms sets the lease of the token after a request at a time.
func (l *life) setTerms(requested time.Time, g grant) {
	l.checkFailures = 0
	l.due.Remove(renew)
	l.due.Remove(lookup)
	switch renewable := g.renewable && l.renewing && l.renewErr == nil; {
	case l.lease.Life > 0: // a ttl of 0 means less than a second
		l.lease = l.lease.Renewed(requested, max(g.ttl, 1), renewable)
	case g.ttl > 0:
		l.lease = lease.New(lease.Terms{Token: true, Renewable: renewable, Life: g.ttl, Ends: true}, requested, rules, rand.Float64())
	default:
		l.epoch.Ends = time.Time{}
		return
	}
	l.plan()
}

// plan schedules the renewal of the token, and before it ends, its replacement, or
// if there is none, a warning.
func (l *life) plan() {
	l.epoch.Ends = l.lease.End()
	renewable, at := l.lease.Next()
	if renewable {
		l.due.Set(renew, at)
	}
	switch replace := l.lease.ReplaceAt(); {
	case l.replaceable:
		l.due.Set(obtain, replace)
	case !renewable:
		l.warnAt = replace
	}
}

// obtainFailed handles an error of the task obtain.
func (l *life) obtainFailed(now time.Time, err error) {
	l.failures++
	at := now.Add(l.pause(now, l.failures, err))
	_, sent := errors.AsType[*client.UnansweredError](err)
	if (client.Status(err) > 0 || sent) && !client.Harmless(err) { // there may be a token whose reply was lost
		if later := l.spareAt(now); later.After(at) {
			at = later
		}
	}
	if l.usable() || !l.retry.Spent(l.failures) {
		l.due.Set(obtain, at)
	}
	switch {
	case !l.usable():
		failure, ok := errors.AsType[*Error](err)
		if !ok {
			failure = failed("getting a token from "+l.from, err)
		}
		counted := *failure
		counted.Attempts = l.failures
		l.err = &counted
	case l.failures > 1:
	case l.epoch.Ends.IsZero():
		l.notice("vault token of %s: no new one yet: %w (the old one stays in use; retrying)", l.from, err)
	default:
		l.notice("vault token of %s: no new one yet: %w (the old one ends at %s; retrying)", l.from, err, clock(l.epoch.Ends))
	}
}

// spareAt reserves one of the spare tokens, and returns when to obtain it.
func (l *life) spareAt(now time.Time) time.Time {
	return now.Add(l.spare.ReserveN(now, 1).DelayFrom(now))
}

// checkFailed handles an error of the task renew or lookup.
func (l *life) checkFailed(now time.Time, t task, err error) {
	switch {
	case client.RefusedToken(err):
		l.refuse(now, l.epoch.Number)
	case client.Class(err) == watch.Retry:
		l.checkFailures++
		l.due.Set(t, now.Add(l.pause(now, l.checkFailures, err)))
	case t == lookup && l.renewErr != nil:
		l.warn("vault token of %s: cannot be renewed: %w (Vault does not say when it ends)", l.from, l.renewErr)
	case t == lookup:
	default:
		l.renewErr = err
		if l.lease.Life > 0 {
			l.lease = l.lease.Refused()
			l.plan()
		} else {
			l.due.Set(lookup, now)
		}
	}
}

// pause returns the delay after that many failures in a row. It leaves time for
// several attempts before the token ends.
func (l *life) pause(now time.Time, failures int, err error) time.Duration {
	after := client.RetryAfter(err)
	wait := l.retry.After(failures, after)
	if left := l.epoch.Ends.Sub(now); l.usable() && left > 0 && after == 0 {
		wait = min(wait, max(left/4, l.retry.Delay(1)))
	}
	return wait
}

// refuse handles that Vault does not know the token of an epoch.
func (l *life) refuse(now time.Time, number int) {
	if number != l.epoch.Number || !l.usable() || l.epoch.Token == "" {
		return
	}
	if l.replaceable {
		l.lose(l.spareAt(now))
		return
	}
	// Vault may know it later: when it is restored, or has replicated the token.
	l.due.Remove(lookup)
	l.warnAt = time.Time{}
	if l.renewing {
		l.due.Set(renew, now.Add(l.retry.Max/2+rand.N(l.retry.Max/2+1)))
	}
	l.warn("Vault does not know the token of %s: it has expired, was revoked, or belongs to another server (set another token there)", l.from)
}

// lose ends the use of the token, and schedules another one.
func (l *life) lose(next time.Time) {
	l.unschedule()
	l.epoch.Ends, l.lease = time.Time{}, lease.Lease{}
	l.err = &Error{Text: "the token of " + l.from + " has expired or was revoked, and another is being fetched"}
	l.due.Set(obtain, next)
}

// tick does what is due and needs no call.
func (l *life) tick(now time.Time) {
	if !l.warnAt.IsZero() && !now.Before(l.warnAt) {
		l.warnAt = time.Time{}
		why := ""
		if l.renewErr != nil {
			why = " (" + l.renewErr.Error() + ")"
		}
		l.warn("vault token of %s: ends at %s and cannot be renewed beyond that%s (set another token there before that)", l.from, clock(l.epoch.Ends), why)
	}
	if l.expires() && !now.Before(l.epoch.Ends) {
		l.lose(now)
	}
}

// expires reports whether the use of the token ends with it.
func (l *life) expires() bool { return l.usable() && l.replaceable && !l.epoch.Ends.IsZero() }

func clock(t time.Time) string { return t.Format(time.RFC3339) }
