package fetch

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
)

// Leases is a table of all that was issued and can be given back. It is for any
// goroutine.
type Leases struct {
	mu   sync.Mutex
	ends map[issue]time.Time // zero: not known
	full int                 // how many there are when those that have ended are looked for
}

// An issue is a lease, or a token that was issued.
type issue struct {
	lease string
	token client.Token
}

// record notes what an answer says was issued.
func (t *Leases) record(s *watch.Secret, from time.Time) {
	terms, err := lease.Of(s, from)
	if s == nil || err != nil || !terms.Leased() {
		return
	}
	var ends time.Time
	if terms.Life > 0 {
		ends = from.Add(terms.Life)
	}
	t.Extend(s, ends)
}

// Extend notes when what was issued ends, which may be later than was known.
func (t *Leases) Extend(s *watch.Secret, ends time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what := issue{lease: s.LeaseID}
	if s.Auth != nil && s.Auth.ClientToken != "" {
		what = issue{token: client.Token(s.Auth.ClientToken)}
	}
	t.ends[what] = ends
	if len(t.ends) >= t.full {
		t.forgetEnded(time.Now())
		t.full = 2*len(t.ends) + 64
	}
}

// forgetEnded forgets what has ended by itself. The caller holds the lock.
func (t *Leases) forgetEnded(now time.Time) {
	maps.DeleteFunc(t.ends, func(_ issue, ends time.Time) bool { return !ends.IsZero() && ends.Before(now) })
}

// Revoke gives all back, at most so many at a time. What cannot be given back
// ends by itself.
func (t *Leases) Revoke(ctx context.Context, c client.Caller, bearer client.Token, most int) error {
	t.mu.Lock()
	t.forgetEnded(time.Now())
	all := t.ends
	t.ends = make(map[issue]time.Time)
	t.mu.Unlock()
	errs := make(chan error, len(all))
	var group errgroup.Group
	group.SetLimit(most)
	for i := range all {
		group.Go(func() error {
			r := client.RevokeLease(i.lease, bearer)
			if i.token != "" {
				r = client.RevokeToken(i.token)
			}
			if _, err := c.Call(ctx, r); err != nil && !client.Lost(err) {
				errs <- err
			}
			return nil
		})
	}
	_ = group.Wait()
	if failed := len(errs); failed > 0 {
		return fmt.Errorf("giving leases back: %d of %d requests failed, the first: %w", failed, len(all), <-errs)
	}
	return nil
}
