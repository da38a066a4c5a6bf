// Package lease decides when to renew or replace an answer of Vault. It is pure:
// times and random numbers are arguments.
//
// [Of] returns the [Terms] of a secret (COMPAT 4.12.4). A [Lease] decides what to do
// next, and when, from those and each renewal.
package lease

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"restencil/watch"
)

// Rules apply to all leases.
type Rules struct {
	Threshold float64       // the share of a life after which something is replaced, between 0 and 1, with some jitter (COMPAT 4.12.4)
	Default   time.Duration // the life of an answer that has none
}

// A Lease is the terms and times of an answer. It is a plain value: the methods
// return a changed copy.
type Lease struct {
	Terms
	From time.Time // when Life began: the time of the request

	longest time.Duration // the longest life so far
	replace float64       // the share of Life after which to replace the answer
	renew   float64       // the share of Life after which to renew it
	spent   bool          // not to be renewed any more
	retry   time.Time     // when to retry a failed renewal
}

const (
	renewal = 2.0 / 3 // the share of a life after which it is renewed
	jitter  = 0.05    // how much earlier that may be
)

// New returns the lease of an answer to a request at from. Chance is at least 0 and
// less than 1.
func New(t Terms, from time.Time, r Rules, chance float64) Lease {
	if t.Life <= 0 {
		t.Life = r.Default
	}
	return Lease{
		Terms: t, From: from, longest: t.Life,
		replace: Share(r.Threshold, chance),
		renew:   renewal - jitter*chance,
	}
}

// Until returns the lease of something that is replaced at one time, and valid until
// end.
func Until(now, replace, end time.Time) Lease {
	life := end.Sub(now)
	return Lease{Terms: Terms{Life: life, Ends: true}, From: now, longest: life, replace: float64(replace.Sub(now)) / float64(life)}
}

// Every returns the lease of something that does not end, and is read again after d.
func Every(d time.Duration, from time.Time) Lease {
	return Lease{Terms: Terms{Life: d, Exact: true}, From: from, longest: d}
}

// Share returns the threshold with jitter of up to 0.05, or without if that is not
// between 0 and 1 (COMPAT 4.12.4). Chance is at least 0 and less than 1.
func Share(threshold, chance float64) float64 {
	share := threshold + 2*jitter*chance - jitter
	if share <= 0 || share >= 1 {
		return threshold
	}
	return share
}

// part returns a share of d.
func part(d time.Duration, share float64) time.Duration { return time.Duration(float64(d) * share) }

// End returns when the answer becomes invalid, zero for never.
func (l Lease) End() time.Time {
	if !l.Ends {
		return time.Time{}
	}
	return l.From.Add(l.Life)
}

// ReplaceAt returns when to replace the answer. That leaves as much time as with
// the longest life, however short the last one is.
func (l Lease) ReplaceAt() time.Time {
	if l.Exact {
		return l.From.Add(l.Life)
	}
	at := part(l.Life, l.replace)
	if l.spent {
		at = min(at, l.Life-part(l.longest, 1-l.replace))
	}
	return l.From.Add(max(at, 0))
}

// Next returns when to renew the answer, or if renew is false, to replace it.
func (l Lease) Next() (renew bool, at time.Time) {
	replace := l.ReplaceAt()
	if !l.Renewable || l.spent {
		return false, replace
	}
	at = l.From.Add(part(l.Life, l.renew))
	if l.retry.After(at) {
		at = l.retry
	}
	if at.Before(replace) {
		return true, at
	}
	return false, replace
}

// Renewed returns the lease after a renewal, requested at from, that granted life.
// It is renewed again if renewable is true, and life is not much shorter than the
// longest one: then it nears its maximum.
func (l Lease) Renewed(from time.Time, life time.Duration, renewable bool) Lease {
	l.retry = time.Time{}
	if life <= 0 {
		l.spent = true
		return l
	}
	l.From, l.Life = from, life
	l.spent = !renewable || life < l.longest*3/4
	l.longest = max(l.longest, life)
	return l
}

// Postponed returns the lease after a renewal that failed for a transient reason,
// and is retried at until.
func (l Lease) Postponed(until time.Time) Lease {
	l.retry = until
	return l
}

// Refused returns the lease after Vault has refused to renew it. Its end stays.
func (l Lease) Refused() Lease {
	l.spent = true
	return l
}

// Move returns when to replace the answer of a token that has a successor: at a
// random time in the first half until the token ends, at most ten minutes, and
// within 20 s if its end is unknown.
func Move(now, ends time.Time, chance float64) time.Time {
	const most, unknown = 10 * time.Minute, 20 * time.Second
	window := unknown
	if !ends.IsZero() {
		window = min(max(ends.Sub(now)/2, 0), most)
	}
	return now.Add(part(window, chance))
}

// Terms are what an answer says of its validity.
type Terms struct {
	ID        string        // of the lease, "" if there is none
	Token     bool          // it is a token, which renews itself
	Renewable bool          // the lease or token can be renewed
	Life      time.Duration // zero if the answer does not say
	Ends      bool          // the answer is invalid after Life
	Exact     bool          // it changes after Life and not before: a rotating secret
}

// Leased reports whether Vault revokes the answer unless it is renewed.
func (t Terms) Leased() bool { return t.ID != "" || t.Token }

// ErrNoTTL says that a rotating secret is about to change, or has just changed.
var ErrNoTTL = errors.New("vault rotating secret returned ttl=0, will retry")

// Of returns the terms of a secret, or of nil. The error is ErrNoTTL.
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

const maxLife = 100 * 365 * 24 * time.Hour // prevents overflow

// Seconds returns n seconds, at least 0 and at most a hundred years.
func Seconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), int64(maxLife/time.Second))) * time.Second
}

// number returns a number of Vault's, which may be a string in JSON.
func number(v any) (int64, bool) {
	text := fmt.Sprint(v)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	return int64(f), err == nil && f > -1e18 && f < 1e18
}
