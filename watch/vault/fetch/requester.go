package fetch

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

// A Requester makes the requests of queries, and limits those that issue or write
// something. Its methods are for any goroutine.
type Requester struct {
	caller  client.Caller
	rules   lease.Rules
	mounts  *mounts
	Limiter *limit.Limiter
	Leases  *Leases
}

// NewRequester returns a Requester that makes its calls with c, in a namespace.
func NewRequester(c client.Caller, namespace string, rules lease.Rules, l *limit.Limiter) *Requester {
	return &Requester{
		caller: c, rules: rules, Limiter: l, Leases: &Leases{ends: make(map[issue]time.Time), full: 64},
		mounts: &mounts{namespace: namespace, assume: rules.Default, known: make(map[string]lookup)},
	}
}

// Call makes a request that neither issues nor writes anything, such as the renewal
// of a lease. Its error is a *client.Error.
func (q *Requester) Call(ctx context.Context, r client.Request) (*watch.Secret, error) {
	s, err := q.caller.Call(ctx, r)
	if err != nil {
		return nil, client.Explain(r, err)
	}
	return s, nil
}

// ask makes a request of a query to the engine at m. Reads and writes at one path
// have a limit each; a read counts if it has issued something. Its error is a
// *client.Error or a *limit.Error.
func (q *Requester) ask(ctx context.Context, id watch.ID, r client.Request, e token.Epoch, m mount) (*watch.Secret, error) {
	r.Token, r.Once, r.Mount, r.Store = e.Token, !m.harmless && !r.Lists(), m.path, id.Value().Store()
	start := time.Now()
	what := r.Method + " " + r.Path
	if err := q.Limiter.Allow(what, id, start); err != nil {
		return nil, err
	}
	s, err := q.Call(ctx, r)
	writes := r.Method != http.MethodGet
	issued := writes || isIssued(s)
	if err != nil { // the reply may be lost
		issued = (writes || r.Once) && !client.Harmless(err)
	}
	var life time.Duration // of what was issued; zero if unknown
	if terms, err := lease.Of(s, start); err == nil {
		life = terms.Life
		if terms.Leased() {
			var ends time.Time
			if life > 0 {
				ends = start.Add(life)
			}
			q.Leases.Extend(s, ends)
			// It ends with the token.
			if left := e.Ends.Sub(start); !e.Ends.IsZero() && (life <= 0 || left < life) {
				life = left
			}
		}
	}
	if issued {
		q.Limiter.Issued(what, id, life, time.Now())
	}
	return s, err
}

// isIssued reports whether an answer was issued for the request.
func isIssued(s *watch.Secret) bool {
	return s != nil && (s.LeaseID != "" || s.Auth != nil || s.WrapInfo != nil)
}

// leaseOf returns the lease of an answer to a request at from. Without a lease it is
// read again every refresh; zero means by the answer, or the default.
func (q *Requester) leaseOf(s *watch.Secret, from time.Time, refresh time.Duration) (lease.Lease, error) {
	t, err := lease.Of(s, from)
	if err != nil {
		return lease.Lease{}, err
	}
	if refresh > 0 && !t.Leased() {
		return lease.Every(refresh-rand.N(refresh/20), from), nil
	}
	return lease.New(t, from, q.rules, rand.Float64()), nil
}

// Leases is a table of all leases and tokens that can be revoked, for any goroutine.
type Leases struct {
	mu   sync.Mutex
	ends map[issue]time.Time // zero if unknown
	full int                 // the length of ends at which those that have ended are removed
}

// An issue is a lease, or a token that was issued.
type issue struct {
	lease string
	token client.Token
}

// Extend records when s, which was issued or renewed, ends.
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

// forgetEnded removes what has ended. The caller holds the lock.
func (t *Leases) forgetEnded(now time.Time) {
	maps.DeleteFunc(t.ends, func(_ issue, ends time.Time) bool { return !ends.IsZero() && ends.Before(now) })
}

// Revoke revokes all, with at most most requests at a time, and empties the table.
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
			body := map[string]any{"lease_id": i.lease}
			r := client.Request{Method: http.MethodPut, Path: "sys/leases/revoke", Body: body, Token: bearer}
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
		return fmt.Errorf("revoking leases: %d of %d requests failed, the first: %w", failed, len(all), <-errs)
	}
	return nil
}
