package fetch

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

// A Requester makes the requests of queries. What issues or writes something is
// made within the limit; there is no other way to Vault. Its methods are for any
// goroutine.
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
		mounts: &mounts{namespace: namespace, assume: rules.Default, known: make(map[string]sighting)},
	}
}

// Call makes a request that neither issues nor writes what a template asked for,
// such as the renewal of a lease. Its error is a *client.Error.
func (q *Requester) Call(ctx context.Context, r client.Request) (*watch.Secret, error) {
	s, err := q.caller.Call(ctx, r)
	if err != nil {
		return nil, client.Explain(r, err)
	}
	return s, nil
}

// ask makes a request of a query, which goes to an engine at m. Reads and writes
// at one path have a limit each. A read needs it as well, for it may turn out to
// issue something; where it did not, it has cost nothing. Its error is a
// *client.Error or a *limit.Error.
func (q *Requester) ask(ctx context.Context, id watch.ID, r client.Request, e token.Epoch, m mount) (*watch.Secret, error) {
	r.Token, r.Once, r.Mount = e.Token, !m.harmless && !r.Lists(), m.path
	start := time.Now()
	what := r.Method + " " + r.Path
	if err := q.Limiter.Allow(what, id, start); err != nil {
		return nil, err
	}
	s, err := q.Call(ctx, r)
	writes := r.Method != http.MethodGet
	issued := writes || isIssued(s)
	if err != nil { // of a read whose reply was lost, only the engine says so
		issued = (writes || r.Once) && !client.Harmless(err)
	}
	if issued {
		q.Limiter.Issued(what, id, lifeOf(s, start, e), time.Now())
	}
	q.Leases.record(s, start)
	return s, err
}

// isIssued reports whether an answer is of a kind that is made for who asks.
func isIssued(s *watch.Secret) bool {
	return s != nil && (s.LeaseID != "" || s.Auth != nil || s.WrapInfo != nil)
}

// lifeOf returns how long what was issued is good: it goes away with the token.
// Zero: nobody knows.
func lifeOf(s *watch.Secret, from time.Time, e token.Epoch) time.Duration {
	t, err := lease.Of(s, from)
	if err != nil || s == nil {
		return 0
	}
	life := t.Life
	if left := e.Ends.Sub(from); !e.Ends.IsZero() && t.Leased() && (life <= 0 || left < life) {
		life = left
	}
	return life
}

// leaseOf returns how long an answer is good that was asked for at from. What is
// not leased is asked for again every refresh; zero: as it says, or the default.
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
