package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
	"restencil/watch/vault/fetch"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

// A Source keeps queries to Vault current. It implements watch.Source.
type Source struct {
	options   Options
	caller    client.Caller
	tokens    manager
	requester *fetch.Requester
	namespace string
	inbox     *schedule.Inbox[[]watch.Subscription]
	plans     plans
	before    []manager // of the sources that this one has succeeded
	close     func()    // closes idle connections
}

var _ watch.Source = (*Source)(nil)

// A manager keeps the token. It is a *token.Manager, except in tests.
type manager interface {
	Current() (token.Epoch, error)
	Changed() <-chan struct{}
	Refused(token.Epoch)
	Run(context.Context)
	Revoke(context.Context) error
}

// New returns a Source. It reads the certificates that o names, and sends nothing.
func New(o Options) (*Source, error) {
	d := DefaultOptions()
	o.Lease.Default = cmp.Or(max(o.Lease.Default, 0), d.Lease.Default)
	o.Retry = cmp.Or(o.Retry, d.Retry)
	o.Resend = o.Retry.Attempts != 0
	c, err := client.New(o.Options)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	tokens, err := token.New(o.Token, o.Retry, c, o.Notice)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	s := newSource(o, c, tokens, c.Namespace())
	s.close = c.Close
	return s, nil
}

func newSource(o Options, c client.Caller, m manager, namespace string) *Source {
	o.Limit.Part = o.Lease.Threshold / 2 // half the time at which it usually is
	return &Source{
		options: o, caller: c, tokens: m, namespace: namespace,
		requester: fetch.NewRequester(c, namespace, o.Lease, limit.New(o.Limit)),
		inbox:     schedule.NewInbox[[]watch.Subscription](),
		close:     func() {},
	}
}

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) {
	var helpers sync.WaitGroup
	helpers.Go(func() { s.tokens.Run(ctx) })
	l := &loop{
		Source: s, reports: make(chan report),
		table:  &table{entries: make(map[watch.ID]*entry), waiting: make(map[*entry]bool)},
		outage: outage{breaker: schedule.Breaker{Backoff: s.options.Retry.Probes(), Doubt: true}},
		epoch:  new(epoch),
	}
	l.run(ctx)
	helpers.Wait()
	s.close()
}

// Watch implements watch.Source. A query that was watched until recently issues
// and writes nothing again while its answer is valid.
func (s *Source) Watch(list ...watch.Subscription) {
	s.put(list)
}

// Unwatch implements watch.Source, except that a request which issues or writes
// something is not cancelled: its result must not be lost. It revokes no lease:
// what was rendered may be in use.
func (s *Source) Unwatch(queries ...watch.ID) {
	list := make([]watch.Subscription, len(queries))
	for i, q := range queries {
		list[i].ID = q
	}
	s.put(list)
}

// Succeed makes s the successor of a source with another configuration, before
// Run. If they use the same Vault, they share one limit, and s.Revoke also revokes
// what old holds.
func (s *Source) Succeed(old *Source) {
	if s.options.Address != old.options.Address || s.namespace != old.namespace {
		return
	}
	s.requester.Leases = old.requester.Leases
	if s.options.Limit == old.options.Limit {
		s.requester.Limiter = old.requester.Limiter
	}
	s.before = slices.DeleteFunc(append(slices.Clone(old.before), old.tokens), func(m manager) bool {
		e, err := m.Current()
		return err != nil || !e.Ends.IsZero() && e.Ends.Before(time.Now())
	})
}

// Revoke revokes every lease that the source holds, and the token if it came from
// a login. It is called at the end of the program, after Run has returned.
func (s *Source) Revoke(ctx context.Context) error {
	defer s.close()
	e, err := s.tokens.Current()
	for _, m := range slices.Backward(s.before) {
		if err != nil { // as while no template has asked s
			e, err = m.Current()
		}
	}
	var errs []error
	if err == nil {
		errs = append(errs, s.requester.Leases.Revoke(ctx, s.caller, e.Token, s.options.MaxRequests))
	} else if !errors.Is(err, token.ErrPending) { // else nothing was issued
		errs = append(errs, err)
	}
	for _, m := range append([]manager{s.tokens}, s.before...) {
		errs = append(errs, m.Revoke(ctx))
	}
	return errors.Join(errs...)
}

// put passes queries to watch, and without a sink those to unwatch, to the loop, in order.
func (s *Source) put(list []watch.Subscription) {
	s.inbox.Post(func(in *[]watch.Subscription) { *in = append(*in, list...) })
}
