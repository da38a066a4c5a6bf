// Package lease says when an answer of Vault is to be renewed or replaced. It
// is pure: times come in as arguments, and so does chance.
//
// [Of] reads off a secret what it says of how long it is good (COMPAT 4.12.4);
// a [Lease] is what is made of that, and of each renewal: when to do what next.
package lease

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"restencil/watch"
)

// Rules are what an answer does not say itself.
type Rules struct {
	Threshold float64       // the share of a life after which something is replaced
	Default   time.Duration // the life of what does not say
}

// A Lease is what is held, and how long. It is a plain value; each method that
// changes something returns another.
type Lease struct {
	Terms
	From time.Time // when Life began; the request for it was sent then

	first time.Duration // the longest life that was ever granted
	share float64       // of Life, after which this is replaced
	early float64       // of Life, after which this is renewed
	spent bool          // it is not to be renewed any more
	tried time.Time     // when it may be tried to renew it again
}

// renewal is the share of a life after which it is renewed, and jitter how
// much earlier that may be, for many at once.
const (
	renewal = 2.0 / 3
	jitter  = 0.05
)

// New returns the lease of an answer that was asked for at from. Chance is at
// least 0 and less than 1.
func New(t Terms, from time.Time, r Rules, chance float64) Lease {
	if t.Life <= 0 {
		t.Life = r.Default
	}
	return Lease{
		Terms: t, From: from, first: t.Life,
		share: Share(r.Threshold, chance),
		early: renewal - jitter*chance,
	}
}

// Until returns the lease of something that is to be replaced at one time, and is
// good until another.
func Until(now, replace, end time.Time) Lease {
	life := end.Sub(now)
	return Lease{Terms: Terms{Life: life, Ends: true}, From: now, first: life, share: float64(replace.Sub(now)) / float64(life)}
}

// Every returns the lease of something that does not end, and is asked for again
// after so long.
func Every(d time.Duration, from time.Time) Lease {
	return Lease{Terms: Terms{Life: d, Exact: true}, From: from, first: d}
}

// Share returns the threshold with up to 0.05 added or taken, or where that is
// no share, as it is (COMPAT 4.12.4). Chance is at least 0 and less than 1.
func Share(threshold, chance float64) float64 {
	share := threshold + 2*jitter*chance - jitter
	if share <= 0 || share >= 1 {
		return threshold
	}
	return share
}

// part returns a share of a span of time.
func part(d time.Duration, share float64) time.Duration { return time.Duration(float64(d) * share) }

// End returns when what was got is no good any more, zero for never.
func (l Lease) End() time.Time {
	if !l.Ends {
		return time.Time{}
	}
	return l.From.Add(l.Life)
}

// ReplaceAt returns when to ask anew. That leaves as much time for it as there
// was at first, be the last life that was granted ever so short.
func (l Lease) ReplaceAt() time.Time {
	if l.Exact {
		return l.From.Add(l.Life)
	}
	at := part(l.Life, l.share)
	if l.spent {
		at = min(at, l.Life-part(l.first, 1-l.share))
	}
	return l.From.Add(max(at, 0))
}

// A Step is what to do next.
type Step int

const (
	Replace Step = iota // ask anew
	Renew
)

// Next returns what is to be done next, and when.
func (l Lease) Next() (Step, time.Time) {
	replace := l.ReplaceAt()
	if !l.Renewable || l.spent {
		return Replace, replace
	}
	renew := l.From.Add(part(l.Life, l.early))
	if l.tried.After(renew) {
		renew = l.tried
	}
	if renew.Before(replace) {
		return Renew, renew
	}
	return Replace, replace
}

// Renewed returns the lease after a renewal that was asked for at from, and
// granted life; more tells whether it can be renewed again. What is granted
// much less than at first nears its end for good.
func (l Lease) Renewed(from time.Time, life time.Duration, more bool) Lease {
	l.tried = time.Time{}
	if life <= 0 {
		l.spent = true
		return l
	}
	l.From, l.Life = from, life
	l.spent = !more || life < l.first*3/4
	l.first = max(l.first, life)
	return l
}

// Postponed returns the lease after a renewal that failed for reasons that may
// pass: it may be tried again at that time. It is still replaced when it has to
// be.
func (l Lease) Postponed(until time.Time) Lease {
	l.tried = until
	return l
}

// Refused returns the lease after Vault has said that it does not renew it. It
// is good for as long as it was granted.
func (l Lease) Refused() Lease {
	l.spent = true
	return l
}

// Move returns when to ask anew for what was got under a token that has a
// successor, so that many are not asked for at once and all in good time: in
// the first half of the time until the token ends, but within most; within
// unknown where it is not known when that is.
func Move(now, ends time.Time, chance float64) time.Time {
	const most, unknown = 10 * time.Minute, 20 * time.Second
	window := unknown
	if !ends.IsZero() {
		window = min(max(ends.Sub(now)/2, 0), most)
	}
	return now.Add(part(window, chance))
}

// Terms are what an answer says of how long it is good.
type Terms struct {
	ID        string        // of the lease; "": there is none, and nothing is taken away
	Token     bool          // it is a token, which renews itself and goes away with its time
	Renewable bool          // and there is something that can be renewed
	Life      time.Duration // zero: the answer does not say
	Ends      bool          // what was got is no good any more after Life
	Exact     bool          // it changes just then, and not before: a rotating secret
}

// Leased tells whether Vault takes back what was got, unless it is renewed.
func (t Terms) Leased() bool { return t.ID != "" || t.Token }

// ErrNoTTL says that a rotating secret is about to change, if it has not just
// done so.
var ErrNoTTL = errors.New("vault rotating secret returned ttl=0, will retry")

// Of returns the terms of a secret, or of nil. The error is that of a rotating
// secret that is about to change: it says nothing yet of the next one.
func Of(s *watch.Secret, now time.Time) (Terms, error) {
	if s == nil {
		return Terms{}, nil
	}
	t := Terms{ID: s.LeaseID, Renewable: s.Renewable, Life: Seconds(int64(s.LeaseDuration))}
	if s.Auth != nil {
		t.Token, t.Renewable = s.Auth.ClientToken != "", s.Auth.Renewable
		if s.Auth.LeaseDuration > 0 {
			t.Life = Seconds(int64(s.Auth.LeaseDuration))
		}
	}
	t.Renewable = t.Renewable && t.Leased()
	t.Ends = t.Leased() && t.Life > 0
	if t.ID != "" {
		return t, nil
	}
	data := s.Data
	if expiration, ok := number(data["expiration"]); ok && data["certificate"] != nil {
		t.Life, t.Ends = time.Unix(expiration, 0).Sub(now), true
	}
	if ttl, ok := number(data["secret_id_ttl"]); ok && ttl > 0 && data["secret_id"] != nil {
		t.Life, t.Ends = Seconds(ttl+1), true
	}
	if ttl, ok := number(data["ttl"]); ok && data["rotation_period"] != nil {
		if ttl <= 0 {
			return t, ErrNoTTL
		}
		t.Life, t.Ends, t.Exact = Seconds(ttl+1), true, true
	}
	return t, nil
}

const longest = 100 * 365 * 24 * time.Hour // the longest life: what is longer comes to the same

// Seconds returns a span of Vault's, which is at least 0 and at most longest.
func Seconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), int64(longest/time.Second))) * time.Second
}

// number returns a number of Vault's, which is not always one in JSON.
func number(v any) (int64, bool) {
	switch v := v.(type) {
	case json.Number:
		return whole(v.String())
	case string:
		return whole(v)
	case float64:
		return int64(v), true
	case int:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

func whole(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	return int64(f), err == nil && f > -1e18 && f < 1e18
}
