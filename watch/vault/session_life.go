package vault

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
)

// A task is a piece of work of the session that speaks to somebody.
type task int

const (
	rest   task = iota
	obtain      // get a token: log in, run a command, unwrap
	renew       // extend the token's life
	lookup      // ask how long the token lives
)

// A grant is a token and what Vault said of it.
type grant struct {
	token     token
	known     bool          // Vault said how long it lives, and whether it can be renewed
	ttl       time.Duration // zero: it never ends
	renewable bool
}

// A life is what is known of the token, and what is due when. It is pure: what
// happens is told to it, with the time.
type life struct {
	retry  schedule.Backoff
	renews bool   // the token is to be renewed
	again  bool   // another one can be had at any time: by a login or a command
	from   string // what gives the token, for people

	credential       // the newest
	has        bool  // it is of use
	err        error // where it is not: why
	text       token // a wrapping token that is still to be unwrapped

	obtainAt, renewAt, lookupAt time.Time // when these are due; zero: not
	warnAt                      time.Time // when people should know that the token ends
	serial                      int       // another one means that what is under way is of no use any more

	began    time.Time     // when the newest TTL began
	ttl      time.Duration // the newest; zero: not known, or without an end
	full     time.Duration // the longest that this token was given
	hopeless error         // why it cannot be renewed

	failures int // of obtain, in a row
	stumbles int // of renew and lookup, in a row
	spare    allowedLogins
	warned   bool // of this token

	notices []error // for people, not handed out yet
}

// errPending says that the first attempt to get a token is under way: nothing
// has failed yet.
var errPending error = &sessionError{text: "the token for Vault is being fetched"}

func (l *life) notice(format string, args ...any) {
	l.notices = append(l.notices, fmt.Errorf(format, args...))
}

// accept takes up a new token, which was asked for at a time.
func (l *life) accept(now, asked time.Time, g grant) {
	l.serial++
	l.credential = credential{token: g.token, generation: l.generation + 1}
	l.has, l.err, l.text = true, nil, ""
	l.ttl, l.full, l.hopeless, l.warned = 0, 0, nil, false
	l.failures, l.stumbles = 0, 0
	l.unschedule()
	switch {
	case g.token == "":
	case g.known:
		l.learn(asked, g)
	case l.renews:
		l.renewAt = now
	case l.again:
		l.lookupAt = now
	}
}

func (l *life) unschedule() {
	l.obtainAt, l.renewAt, l.lookupAt, l.warnAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
}

// offer takes up the text that stands where the token is kept. A wrapping token
// is good for one unwrapping, so one that was offered before is passed over.
func (l *life) offer(now time.Time, text token, wrapped bool) {
	if !wrapped {
		l.accept(now, now, grant{token: text})
		return
	}
	l.serial++
	l.text, l.failures, l.obtainAt = text, 0, now
	if !l.has {
		l.err = errPending
	}
}

// learn takes note of how long the token lives from a time on.
func (l *life) learn(asked time.Time, g grant) {
	l.stumbles = 0
	if l.full > 0 {
		g.ttl = max(g.ttl, 1) // less than a second is left, which Vault tells as none
	}
	l.began, l.ttl, l.full = asked, g.ttl, max(l.full, g.ttl)
	l.ends = time.Time{}
	l.renewAt, l.lookupAt = time.Time{}, time.Time{}
	if l.text == "" {
		l.obtainAt = time.Time{}
	}
	if g.ttl <= 0 {
		return
	}
	l.ends = asked.Add(g.ttl)
	capped := g.ttl < l.full-l.full/10 // Vault grants no more, since the most it may live is near
	if l.renews && g.renewable && !capped && l.hopeless == nil {
		l.renewAt = asked.Add(aroundTwoThirds(g.ttl))
		l.replaceAt(asked.Add(g.ttl / 6 * 5))
		return
	}
	l.last()
}

// last is for a token whose life is not extended any more: two thirds into
// what is left, it is replaced, or people are told.
func (l *life) last() {
	l.renewAt = time.Time{}
	if l.again {
		l.replaceAt(l.began.Add(aroundTwoThirds(l.ttl)))
		return
	}
	l.warnAt = l.began.Add(l.ttl / 3 * 2)
}

// replaceAt has another token fetched at a time, where one can be had.
func (l *life) replaceAt(at time.Time) {
	if l.again {
		l.obtainAt = at
	}
}

// aroundTwoThirds returns 2/3 of d, give or take 1/20 of d: tokens that were
// given at one time need not be renewed at one time.
func aroundTwoThirds(d time.Duration) time.Duration {
	return d/3*2 - d/20 + rand.N(d/10+1)
}

// renewFailed takes note that the token could not be renewed.
func (l *life) renewFailed(now time.Time, err error) {
	switch {
	case refusedToken(err):
		l.refuse(now, l.generation)
	case isTransient(err):
		l.stumbles++
		l.renewAt = now.Add(l.pause(now, l.stumbles, err))
	default:
		l.hopeless = err
		l.renewAt = time.Time{}
		if l.ttl > 0 {
			l.last()
			return
		}
		l.lookupAt = now
	}
}

// lookupFailed takes note that the token's end is not known.
func (l *life) lookupFailed(now time.Time, err error) {
	switch {
	case refusedToken(err):
		l.refuse(now, l.generation)
	case isTransient(err):
		l.stumbles++
		l.lookupAt = now.Add(l.pause(now, l.stumbles, err))
	default:
		l.lookupAt = time.Time{}
		if l.hopeless != nil {
			l.warn("the token of %s cannot be renewed, and Vault does not say when it ends: %w", l.from, l.hopeless)
		}
	}
}

// isTransient tells whether the same may go well later.
func isTransient(err error) bool {
	var answer *responseError
	return !errors.As(err, &answer) || classOf(answer.Status) == watch.Retry
}

// obtainFailed takes note that there is no other token yet.
func (l *life) obtainFailed(now time.Time, err error) {
	l.failures++
	l.obtainAt = now.Add(l.pause(now, l.failures, err))
	if mayHaveWorked(err) {
		l.obtainAt = later(l.obtainAt, l.spare.take(now))
	}
	switch {
	case !l.has:
		l.err = err
	case l.failures == 1 && !l.ends.IsZero():
		l.notice("the token of %s ends at %s, and another is not to be had yet: %w", l.from, clock(l.ends), err)
	case l.failures == 1:
		l.notice("a new token is not to be had yet, the old one stays in use: %w", err)
	}
}

// pause returns how long to wait after so many failures in a row. Before the
// token ends, there is time for some attempts more.
func (l *life) pause(now time.Time, failures int, err error) time.Duration {
	var answer *responseError
	if errors.As(err, &answer) && answer.RetryAfter > 0 {
		return answer.RetryAfter + l.retry.Delay(1)
	}
	wait := l.retry.Delay(failures)
	if left := l.ends.Sub(now); l.has && left > 0 {
		wait = min(wait, max(left/4, l.retry.Delay(1)))
	}
	return wait
}

// refuse takes note that Vault does not know the token of a generation.
func (l *life) refuse(now time.Time, generation int) {
	if generation != l.generation || !l.has || l.token == "" {
		return
	}
	if l.again {
		l.lose()
		l.obtainAt = l.spare.take(now)
		return
	}
	// It may be known again: where Vault was restored, or its servers do not
	// know of it yet.
	l.lookupAt, l.warnAt = time.Time{}, time.Time{}
	if l.renews {
		l.renewAt = now.Add(l.retry.Max/2 + rand.N(l.retry.Max/2+1))
	}
	l.warn("Vault does not know the token of %s: it has ended, was revoked, or is another server's; give another one there", l.from)
}

// lose takes the token out of use.
func (l *life) lose() {
	l.unschedule()
	l.has, l.ends, l.ttl = false, time.Time{}, 0
	l.err = &sessionError{class: watch.Retry, text: "the token of " + l.from + " has ended or was revoked, and another is being fetched"}
}

// warn tells people about a token once.
func (l *life) warn(format string, args ...any) {
	if !l.warned {
		l.warned = true
		l.notice(format, args...)
	}
}

// tick does what is due without speaking to anybody.
func (l *life) tick(now time.Time) {
	if !l.warnAt.IsZero() && !now.Before(l.warnAt) {
		l.warnAt = time.Time{}
		l.warn("the token of %s ends at %s and cannot be renewed beyond that%s; give another one there before", l.from, clock(l.ends), because(l.hopeless))
	}
	if l.has && l.again && !l.ends.IsZero() && !now.Before(l.ends) {
		l.lose()
		l.obtainAt = now
	}
}

// due returns the next task and when it is due; rest where there is none.
func (l *life) due() (next task, at time.Time) {
	consider := func(t task, when time.Time) {
		if !when.IsZero() && (next == rest || when.Before(at)) {
			next, at = t, when
		}
	}
	consider(renew, l.renewAt)
	consider(lookup, l.lookupAt)
	consider(obtain, l.obtainAt)
	return next, at
}

// wakeAt returns when tick has something to do; zero: at no time.
func (l *life) wakeAt() time.Time {
	at := l.warnAt
	if l.has && l.again && !l.ends.IsZero() && (at.IsZero() || l.ends.Before(at)) {
		at = l.ends
	}
	return at
}

// longestTask bounds every task; the client's timeout is less, as a rule.
const longestTask = 5 * time.Minute

// limit returns how long a task may take that begins now: an attempt to renew
// that hangs must leave time for others.
func (l *life) limit(now time.Time, t task) time.Duration {
	left := l.ends.Sub(now) / 2
	if t == obtain || left <= 0 {
		return longestTask
	}
	if !l.obtainAt.IsZero() {
		left = l.obtainAt.Sub(now)
	}
	return min(max(time.Second, left), longestTask)
}

func clock(t time.Time) string { return t.Format(time.RFC3339) }

func because(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}

// mayHaveWorked tells whether there may be a token that nobody knows: the answer
// to a login was lost.
func mayHaveWorked(err error) bool {
	var answer *responseError
	var sent *url.Error
	return (errors.As(err, &answer) || errors.As(err, &sent)) && !harmless(err)
}

// allowedLogins bounds how often another token is fetched because one was
// refused, or may have been given and not arrived: three times at once, and then
// every ten seconds.
type allowedLogins struct{ full time.Time } // when all three are there again

const (
	loginEvery = 10 * time.Second
	loginBurst = 3
)

// take uses one of them up and returns when it is there.
func (a *allowedLogins) take(now time.Time) time.Time {
	if a.full.Before(now) {
		a.full = now
	}
	a.full = a.full.Add(loginEvery)
	at := a.full.Add(-loginBurst * loginEvery)
	if at.Before(now) {
		return now
	}
	return at
}
