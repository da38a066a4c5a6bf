package vault

import (
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
	"restencil/watch/vault/lease"
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
	inbox     *inbox
	before    []manager // of the sources that this one has succeeded
	close     func()    // lets go of connections
}

var _ watch.Source = (*Source)(nil)

// A manager keeps the token. A token.Manager is one, and tests have others.
type manager interface {
	Current() (token.Epoch, error)
	Changed() <-chan struct{}
	Refused(token.Epoch)
	Run(context.Context)
	Start()
	Revoke(context.Context) error
}

// New returns a Source. It reads the certificates that o names, and contacts
// nobody: nothing is asked of Vault before the first query is watched.
func New(o Options) (*Source, error) {
	o = o.filled()
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
	rules := lease.Rules{Threshold: o.Threshold, Default: o.DefaultLease}
	return &Source{
		options: o, caller: c, tokens: m, namespace: namespace,
		requester: fetch.NewRequester(c, namespace, rules, limit.New(o.limits())),
		inbox:     &inbox{wake: schedule.NewWakeup()},
		close:     func() {},
	}
}

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) {
	var helpers sync.WaitGroup
	helpers.Go(func() { s.tokens.Run(ctx) })
	l := &loop{
		options: s.options, requester: s.requester, tokens: s.tokens,
		reports: make(chan report),
		table:   &table{entries: make(map[watch.ID]*entry), waiting: make(map[*entry]bool)},
		outage:  outage{breaker: schedule.Breaker{Backoff: s.options.Retry.Probes(), Doubt: true}},
		epoch:   new(epoch),
	}
	l.run(ctx, s.inbox)
	s.inbox.close()
	helpers.Wait()
	s.close()
}

// Watch implements watch.Source. Watching what was watched until a short time
// ago issues and writes nothing anew, as long as what there was is good.
func (s *Source) Watch(list ...watch.Subscription) {
	s.tokens.Start()
	s.inbox.put(list)
}

// Unwatch implements watch.Source, but that a request which issues or writes
// something goes on: what it brings must not be lost. A lease is not revoked:
// what was rendered with it may be in use.
func (s *Source) Unwatch(queries ...watch.ID) {
	list := make([]watch.Subscription, len(queries))
	for i, q := range queries {
		list[i].ID = q
	}
	s.inbox.put(list)
}

// Succeed has s take the place of a source whose configuration was another,
// before Run. Of the same Vault, s issues no more than old would have: they have
// one limit. And Revoke gives back what both have.
func (s *Source) Succeed(old *Source) {
	if s.options.Address != old.options.Address || s.namespace != old.namespace {
		return
	}
	s.requester.Leases = old.requester.Leases
	if s.options.limits() == old.options.limits() {
		s.requester.Limiter = old.requester.Limiter
	}
	s.before = slices.DeleteFunc(append(slices.Clone(old.before), old.tokens), ended)
}

// ended reports whether a manager has no token, or one that has ended.
func ended(m manager) bool {
	e, err := m.Current()
	return err != nil || !e.Ends.IsZero() && e.Ends.Before(time.Now())
}

// Revoke gives back every lease that the source holds, and the token where it
// came from a login. It is for the end of a program, after Run has returned.
func (s *Source) Revoke(ctx context.Context) error {
	defer s.close()
	var errs []error
	if e, err := s.tokens.Current(); err == nil {
		errs = append(errs, s.requester.Leases.Revoke(ctx, s.caller, e.Token, s.options.MaxRequests))
	} else {
		errs = append(errs, err)
	}
	for _, m := range append([]manager{s.tokens}, s.before...) {
		errs = append(errs, m.Revoke(ctx))
	}
	return errors.Join(errs...)
}

// An inbox takes what is to be watched, and what without a sink is not any more,
// from any goroutine, in order.
type inbox struct {
	wake schedule.Wakeup

	mu     sync.Mutex
	list   []watch.Subscription
	closed bool // nobody takes them any more
}

func (in *inbox) put(list []watch.Subscription) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.closed && len(list) > 0 {
		in.list = append(in.list, list...)
		in.wake.Wake()
	}
}

func (in *inbox) take() []watch.Subscription {
	in.mu.Lock()
	defer in.mu.Unlock()
	list := in.list
	in.list = nil
	return list
}

func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.list, in.closed = nil, true
}
