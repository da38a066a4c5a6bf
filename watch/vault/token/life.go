package token

import (
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
	obtain task = iota + 1 // get a token: log in, run a command, unwrap
	renew                  // extend the token's life
	lookup                 // ask how long the token lives
)

// A life is what is known of the token, and what is due when. It is pure: what
// happens is told to it, with the time.
type life struct {
	retry schedule.Backoff
	way

	epoch Epoch       // of the newest token
	err   error       // why that is of no use; nil: it is
	lease lease.Lease // of the token; zero: it never ends, or nobody knows

	due    schedule.Timers[task]
	warnAt time.Time // when people should know that the token ends
	serial int       // another one means that what is under way is of no use any more

	hopeless error // why the token cannot be renewed
	warned   bool  // people were told of its end

	failures int           // of obtain, in a row
	stumbles int           // of renew and lookup, in a row
	spare    *rate.Limiter // of tokens that are obtained because one was refused or may be lost
	notices  []error       // for people, not handed out yet
}

// A way is how tokens are had.
type way struct {
	renews bool   // the token is to be renewed
	again  bool   // another one can be had at any time: by a login or a command
	from   string // what gives the token, for people
}

// rules has a token replaced, or people told of its end, after so much of its life:
// after it is renewed, and while there is time for several attempts.
var rules = lease.Rules{Threshold: 0.75}

// Another token is obtained because one was refused, or may have been given and
// not arrived, three times at once, and then every ten seconds.
const (
	spareEvery = 10 * time.Second
	spareBurst = 3
)

func newLife(o Options, retry schedule.Backoff) *life {
	if retry == (schedule.Backoff{}) {
		retry = defaultRetry
	}
	if retry.Max == 0 { // a token must come back in good time even where queries need not
		retry.Max = defaultRetry.Max
	}
	return &life{
		retry: retry, way: way{renews: o.Renew}, err: ErrPending,
		spare: rate.NewLimiter(rate.Every(spareEvery), spareBurst),
	}
}

func (l *life) usable() bool { return l.err == nil }

func (l *life) notice(format string, args ...any) {
	l.notices = append(l.notices, fmt.Errorf(format, args...))
}

// warn tells people about a token once.
func (l *life) warn(format string, args ...any) {
	if !l.warned {
		l.warned = true
		l.notice(format, args...)
	}
}

// accept takes up a new token, which was asked for at a time.
func (l *life) accept(now, asked time.Time, g grant) {
	l.serial++
	l.epoch = Epoch{Token: g.token, Number: l.epoch.Number + 1}
	l.err, l.lease, l.hopeless, l.warned = nil, lease.Lease{}, nil, false
	l.failures, l.stumbles = 0, 0
	l.unschedule()
	switch {
	case g.token == "":
	case g.known:
		l.setTerms(asked, g)
	case l.renews:
		l.due.Set(renew, now)
	case l.again:
		l.due.Set(lookup, now)
	}
}

func (l *life) unschedule() {
	l.due, l.warnAt = schedule.Timers[task]{}, time.Time{}
}

// setTerms notes how long the token lives from a time on.
func (l *life) setTerms(asked time.Time, g grant) {
	l.stumbles = 0
	l.due.Remove(renew)
	l.due.Remove(lookup)
	switch renewable := g.renewable && l.renews && l.hopeless == nil; {
	case l.lease.Life > 0: // less than a second is left, which Vault tells as none
		l.lease = l.lease.Renewed(asked, max(g.ttl, 1), renewable)
	case g.ttl > 0:
		l.lease = lease.New(lease.Terms{Token: true, Renewable: renewable, Life: g.ttl, Ends: true}, asked, rules, rand.Float64())
	default:
		l.epoch.Ends = time.Time{}
		return
	}
	l.plan()
}

// plan has the token renewed in time, and another fetched before it ends; where
// none can be had, people are told.
func (l *life) plan() {
	l.epoch.Ends = l.lease.End()
	step, at := l.lease.Next()
	if step == lease.Renew {
		l.due.Set(renew, at)
	}
	switch replace := l.lease.ReplaceAt(); {
	case l.again:
		l.due.Set(obtain, replace)
	case step == lease.Replace:
		l.warnAt = replace
	}
}

// obtainFailed takes note that there is no other token yet.
func (l *life) obtainFailed(now time.Time, err error) {
	l.failures++
	at := now.Add(l.pause(now, l.failures, err))
	_, sent := errors.AsType[*client.UnansweredError](err)
	if (client.Status(err) > 0 || sent) && !client.Harmless(err) { // there may be a token that nobody knows
		if later := l.spareAt(now); later.After(at) {
			at = later
		}
	}
	if l.usable() || !l.retry.Spent(l.failures) {
		l.due.Set(obtain, at)
	}
	switch {
	case !l.usable():
		told, ok := errors.AsType[*Error](err)
		if !ok {
			told = failed("getting a token from "+l.from, err)
		}
		counted := *told
		counted.Attempts = l.failures
		l.err = &counted
	case l.failures > 1:
	case l.epoch.Ends.IsZero():
		l.notice("vault token of %s: no new one yet: %w (the old one stays in use; retrying)", l.from, err)
	default:
		l.notice("vault token of %s: no new one yet: %w (the old one ends at %s; retrying)", l.from, err, clock(l.epoch.Ends))
	}
}

// spareAt uses up one of the tokens that may be obtained besides, and returns
// when that may be.
func (l *life) spareAt(now time.Time) time.Time {
	return now.Add(l.spare.ReserveN(now, 1).DelayFrom(now))
}

// checkFailed takes note that the token could not be renewed, or that its end is
// not known.
func (l *life) checkFailed(now time.Time, t task, err error) {
	switch {
	case client.RefusedToken(err):
		l.refuse(now, l.epoch.Number)
	case client.Class(err) == watch.Retry:
		l.stumbles++
		l.due.Set(t, now.Add(l.pause(now, l.stumbles, err)))
	case t == lookup && l.hopeless != nil:
		l.warn("vault token of %s: cannot be renewed: %w (Vault does not say when it ends)", l.from, l.hopeless)
	case t == lookup:
	default:
		l.hopeless = err
		if l.lease.Life > 0 {
			l.lease = l.lease.Refused()
			l.plan()
		} else {
			l.due.Set(lookup, now)
		}
	}
}

// pause returns how long to wait after so many failures in a row. Before the
// token ends, there is time for some attempts more.
func (l *life) pause(now time.Time, failures int, err error) time.Duration {
	after := client.RetryAfter(err)
	wait := l.retry.After(failures, after)
	if left := l.epoch.Ends.Sub(now); l.usable() && left > 0 && after == 0 {
		wait = min(wait, max(left/4, l.retry.Delay(1)))
	}
	return wait
}

// refuse takes note that Vault does not know the token of an epoch.
func (l *life) refuse(now time.Time, number int) {
	if number != l.epoch.Number || !l.usable() || l.epoch.Token == "" {
		return
	}
	if l.again {
		l.lose(l.spareAt(now))
		return
	}
	// It may be known again: where Vault was restored, or its servers do not
	// know of it yet.
	l.due.Remove(lookup)
	l.warnAt = time.Time{}
	if l.renews {
		l.due.Set(renew, now.Add(l.retry.Max/2+rand.N(l.retry.Max/2+1)))
	}
	l.warn("Vault does not know the token of %s: it has ended, was revoked, or is another server's (give another one there)", l.from)
}

// lose takes the token out of use, and has another fetched at a time.
func (l *life) lose(next time.Time) {
	l.unschedule()
	l.epoch.Ends, l.lease = time.Time{}, lease.Lease{}
	l.err = &Error{Text: "the token of " + l.from + " has ended or was revoked, and another is being fetched"}
	l.due.Set(obtain, next)
}

// tick does what is due without a call.
func (l *life) tick(now time.Time) {
	if !l.warnAt.IsZero() && !now.Before(l.warnAt) {
		l.warnAt = time.Time{}
		why := ""
		if l.hopeless != nil {
			why = " (" + l.hopeless.Error() + ")"
		}
		l.warn("vault token of %s: ends at %s and cannot be renewed beyond that%s (give another one there before)", l.from, clock(l.epoch.Ends), why)
	}
	if l.expires() && !now.Before(l.epoch.Ends) {
		l.lose(now)
	}
}

// expires reports whether the token is to be taken out of use when it ends.
func (l *life) expires() bool { return l.usable() && l.again && !l.epoch.Ends.IsZero() }

const longestTask = 5 * time.Minute // bounds every task; the client's timeout is less, as a rule

func clock(t time.Time) string { return t.Format(time.RFC3339) }
