package vault

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"restencil/watch"
	"restencil/watch/vault/lease"
)

// A ledger has all that was issued and can be given back. It is for any
// goroutine.
type ledger struct {
	mu    sync.Mutex
	ends  map[loan]time.Time // zero: not known
	sweep int                // how many there are when those that have ended are looked for
}

// A loan is a lease, or a token that was issued as one.
type loan struct {
	id  string
	own token // "": it is a lease
}

func newLedger() *ledger { return &ledger{ends: make(map[loan]time.Time), sweep: 64} }

// record notes what an answer says was issued.
func (g *ledger) record(s *watch.Secret, from time.Time) {
	t, err := lease.Of(s, from)
	if s == nil || err != nil || !t.Leased() {
		return
	}
	item := loan{id: s.LeaseID}
	if t.Token {
		item = loan{own: token(s.Auth.ClientToken)}
	}
	var ends time.Time
	if t.Life > 0 {
		ends = from.Add(t.Life)
	}
	g.note(item, ends)
}

// note notes when something ends, which may be later than was known.
func (g *ledger) note(item loan, ends time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ends[item] = ends
	if len(g.ends) >= g.sweep {
		g.forgetEnded(time.Now())
		g.sweep = 2*len(g.ends) + 64
	}
}

// forgetEnded forgets what has ended by itself. The caller holds the lock.
func (g *ledger) forgetEnded(now time.Time) {
	for item, ends := range g.ends {
		if !ends.IsZero() && ends.Before(now) {
			delete(g.ends, item)
		}
	}
}

// take returns all that has not ended, and has the ledger forget it.
func (g *ledger) take(now time.Time) map[loan]time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forgetEnded(now)
	all := g.ends
	g.ends = make(map[loan]time.Time)
	return all
}

// revoke gives back every loan, at most so many at a time. What cannot be given
// back ends by itself.
func (g *ledger) revoke(ctx context.Context, c caller, bearer token, most int) error {
	all := g.take(time.Now())
	errs := make(chan error, len(all))
	var group errgroup.Group
	group.SetLimit(most)
	for item := range all {
		group.Go(func() error {
			if _, err := c.call(ctx, item.returned(bearer)); err != nil && !lost(err) {
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

// returned returns the request that gives a loan back.
func (item loan) returned(bearer token) request {
	if item.own != "" {
		return request{method: http.MethodPut, path: "auth/token/revoke-self", token: item.own}
	}
	return request{
		method: http.MethodPut, path: "sys/leases/revoke",
		body: map[string]any{"lease_id": item.id}, token: bearer,
	}
}
