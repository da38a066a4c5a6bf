package vault

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"restencil/watch"
	"restencil/watch/vault/lease"
)

// A desk is where all requests of queries are made. What issues or writes is
// made within the allowance; there is no other way to Vault.
type desk struct {
	caller    caller
	allowance *allowance
	ledger    *ledger
}

// ask makes a request for q. Reads and writes at one path have an allowance
// each. A read needs it as well, for it may turn out to issue something; where
// it did not, it has cost nothing. M is where r goes.
func (d *desk) ask(ctx context.Context, q watch.ID, r request, c credential, m mount) (*watch.Secret, error) {
	r.token, r.once = c.token, !m.harmless && !r.lists()
	paid, err := d.allowance.take(r.method+" "+r.path, q, time.Now())
	if err != nil {
		return nil, err
	}
	start := time.Now()
	s, err := d.caller.call(ctx, r)
	d.ledger.record(s, start)
	if d.made(paid.path, r, m, s, err) {
		d.allowance.spent(paid, goodFor(s, start, c), start)
	} else {
		d.allowance.giveBack(paid)
	}
	return s, err
}

// made tells whether a request has made something, or may have: of a read whose
// answer was lost, only the engine and what came of others say so.
func (d *desk) made(path string, r request, m mount, s *watch.Secret, err error) bool {
	writes := r.method != http.MethodGet
	if err != nil {
		may := writes || r.once || d.allowance.makes(path)
		return may && !harmless(err)
	}
	return writes || issued(s)
}

// issued tells whether an answer is of a kind that is made for who asks.
func issued(s *watch.Secret) bool {
	return s != nil && (s.LeaseID != "" || s.Auth != nil || s.WrapInfo != nil)
}

// harmless tells whether a request that failed has certainly made nothing: Vault
// refused it, or was not reached.
func harmless(err error) bool {
	var answer *responseError
	if errors.As(err, &answer) {
		return answer.Status < 500 || answer.Status == http.StatusServiceUnavailable
	}
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}

// goodFor returns how long what was issued is good for: it goes away with the
// token. Zero: nobody knows.
func goodFor(s *watch.Secret, from time.Time, c credential) time.Duration {
	t, err := lease.Of(s, from)
	if err != nil || s == nil {
		return 0
	}
	life := t.Life
	if left := c.ends.Sub(from); !c.ends.IsZero() && t.Leased() && (life <= 0 || left < life) {
		life = left
	}
	return life
}

// keep makes a request that neither issues nor writes what a template asked
// for: a look at a mount, the renewal or the end of a lease.
func (d *desk) keep(ctx context.Context, r request, c credential) (*watch.Secret, error) {
	r.token = c.token
	return d.caller.call(ctx, r)
}
