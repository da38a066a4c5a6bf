package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"restencil/watch"
	"restencil/watch/schedule"
)

// A Source keeps queries to Vault current. It implements watch.Batcher.
type Source struct {
	options   Options
	caller    caller
	session   keeper
	ledger    *ledger
	allowance *allowance
	namespace string
	inbox     *inbox
	before    []keeper // of the sources that this one has succeeded
	close     func()   // lets go of connections
}

var _ watch.Batcher = (*Source)(nil)

// A keeper is a holder that sees to it that there is a credential. The session
// is one, and tests have others.
type keeper interface {
	holder
	run(ctx context.Context)
	start()
	revoke(ctx context.Context) error
}

// New returns a Source. It reads the certificates that o names, and contacts
// nobody: nothing is asked of Vault before the first query is watched.
func New(o Options) (*Source, error) {
	o = o.filled()
	c, err := newClient(o)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	session, err := newSession(o, c)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	s := newSource(o, c, session)
	s.namespace, s.close = c.api.Namespace(), c.close
	return s, nil
}

func newSource(o Options, c caller, k keeper) *Source {
	return &Source{
		options: o, caller: c, session: k,
		ledger: newLedger(), allowance: newAllowance(o), inbox: newInbox(),
		close: func() {},
	}
}

// filled returns o with the defaults where there is zero.
func (o Options) filled() Options {
	d := DefaultOptions()
	o.DefaultLease = cmp.Or(max(o.DefaultLease, 0), d.DefaultLease)
	o.IssueEvery = cmp.Or(max(o.IssueEvery, 0), d.IssueEvery)
	o.IssueBurst = cmp.Or(max(o.IssueBurst, 0), d.IssueBurst)
	o.MaxRequests = cmp.Or(max(o.MaxRequests, 0), d.MaxRequests)
	if o.Threshold <= 0 || o.Threshold >= 1 {
		o.Threshold = d.Threshold
	}
	if o.Retry == (schedule.Backoff{}) {
		o.Retry = d.Retry
	}
	return o
}

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) {
	var helpers sync.WaitGroup
	helpers.Go(func() { s.session.run(ctx) })
	d := &desk{caller: s.caller, allowance: s.allowance, ledger: s.ledger}
	newLoop(s.options, d, s.session, s.ledger, s.namespace).run(ctx, s.inbox)
	s.inbox.close()
	helpers.Wait()
	s.close()
}

// Watch implements watch.Source. Watching what was watched until a short time
// ago issues and writes nothing anew, as long as what there was is good.
func (s *Source) Watch(q watch.Query, sink watch.Sink) {
	s.WatchAll([]watch.Subscription{{Query: q, Sink: sink}})
}

// Unwatch implements watch.Source, but that a request which issues or writes
// something goes on: what it brings must not be lost. A lease is not revoked:
// what was rendered with it may be in use.
func (s *Source) Unwatch(q watch.Query) { s.UnwatchAll([]watch.Query{q}) }

// WatchAll implements watch.Batcher.
func (s *Source) WatchAll(list []watch.Subscription) {
	orders := make([]order, len(list))
	for i, sub := range list {
		orders[i] = order{sub.Query, sub.Sink}
	}
	s.session.start()
	s.inbox.put(orders...)
}

// UnwatchAll implements watch.Batcher.
func (s *Source) UnwatchAll(queries []watch.Query) {
	orders := make([]order, len(queries))
	for i, q := range queries {
		orders[i] = order{query: q}
	}
	s.inbox.put(orders...)
}

// Revoke gives back every lease that the source holds, and the token where it
// came from a login. It is for the end of a program, after Run has returned.
func (s *Source) Revoke(ctx context.Context) error {
	defer s.close()
	c, err := s.session.current()
	if err == nil {
		err = s.ledger.revoke(ctx, s.caller, c.token, s.options.MaxRequests)
	}
	return errors.Join(err, s.session.revoke(ctx), s.revokeBefore(ctx))
}
