package vault

import (
	"context"
	"errors"

	"restencil/watch"
)

// A Source keeps queries to Vault current. It implements watch.Source.
type Source struct{}

// New returns a Source. It reads the certificates that o names, and contacts
// nobody: nothing is asked of Vault before the first query is watched.
func New(o Options) (*Source, error) {
	return nil, errors.New("not built yet")
}

// Run implements watch.Source.
func (s *Source) Run(ctx context.Context) { <-ctx.Done() }

// Watch implements watch.Source.
func (s *Source) Watch(q watch.Query, sink watch.Sink) {}

// Unwatch implements watch.Source. A lease is not revoked: what was rendered
// with it may be in use.
func (s *Source) Unwatch(q watch.Query) {}

// Revoke gives back every lease that the source holds, and the token where it
// came from a login. It is for the end of a program, after Run has returned.
func (s *Source) Revoke(ctx context.Context) error { return nil }
