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

// longest is the longest life: what is longer comes to the same.
const longest = 100 * 365 * 24 * time.Hour

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
