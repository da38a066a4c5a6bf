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
	mu     sync.Mutex
	leases map[string]loan // by the lease, or the token
	sweep  int             // how many there are when those that have ended are looked for
}

// A loan is a lease, or a token that is one itself.
type loan struct {
	own  token     // "": it is a lease
	ends time.Time // zero: not known
}

func newLedger() *ledger { return &ledger{leases: make(map[string]loan), sweep: 64} }

// add notes what was issued.
func (g *ledger) add(id string, own token, ends time.Time) {
	if own != "" {
		id = string(own)
	}
	if id == "" {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leases[id] = loan{own, ends}
	if len(g.leases) >= g.sweep {
		g.forgetEnded(time.Now())
		g.sweep = 2*len(g.leases) + 64
	}
}

// forgetEnded forgets what has ended by itself. The caller holds the lock.
func (g *ledger) forgetEnded(now time.Time) {
	for id, loan := range g.leases {
		if !loan.ends.IsZero() && loan.ends.Before(now) {
			delete(g.leases, id)
		}
	}
}

// extend notes that a lease was renewed.
func (g *ledger) extend(held lease.Lease, own token) { g.add(held.ID, own, held.End()) }

// take returns all that has not ended, and has the ledger forget it.
func (g *ledger) take(now time.Time) map[string]loan {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forgetEnded(now)
	all := g.leases
	g.leases = make(map[string]loan)
	return all
}

// record notes what an answer says was issued.
func (g *ledger) record(s *watch.Secret, from time.Time) {
	if s == nil {
		return
	}
	t, err := lease.Of(s, from)
	if err != nil {
		return
	}
	var own token
	if s.Auth != nil {
		own = token(s.Auth.ClientToken)
	}
	var ends time.Time
	if t.Life > 0 {
		ends = from.Add(t.Life)
	}
	g.add(s.LeaseID, own, ends)
}

// revoke gives back every loan, at most so many at a time. What cannot be given
// back ends by itself.
func (g *ledger) revoke(ctx context.Context, c caller, bearer token, most int) error {
	all := g.take(time.Now())
	var group errgroup.Group
	group.SetLimit(most)
	errs := make(chan error, len(all))
	for id, loan := range all {
		group.Go(func() error {
			if _, err := c.call(ctx, returning(id, loan, bearer)); err != nil && !lost(err) {
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

// returning returns the request that gives a loan back.
func returning(id string, loan loan, bearer token) request {
	if loan.own != "" {
		return request{method: http.MethodPut, path: "auth/token/revoke-self", token: loan.own}
	}
	return request{
		method: http.MethodPut, path: "sys/leases/revoke",
		body: map[string]any{"lease_id": id}, token: bearer,
	}
}
