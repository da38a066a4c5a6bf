package vault

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Succeed has s take the place of a source whose configuration was another,
// before Run. Of the same Vault, s issues no more than old would have: their
// allowance is one. And Revoke gives back what both have.
func (s *Source) Succeed(old *Source) {
	if s.options.Address != old.options.Address || s.namespace != old.namespace {
		return
	}
	s.ledger = old.ledger
	if s.options.IssueEvery == old.options.IssueEvery && s.options.IssueBurst == old.options.IssueBurst {
		s.allowance = old.allowance
	}
	s.before = slices.DeleteFunc(append(slices.Clone(old.before), old.session), ended)
}

// ended tells whether a keeper has no token, or one that has ended.
func ended(k keeper) bool {
	c, err := k.current()
	return err != nil || !c.ends.IsZero() && c.ends.Before(time.Now())
}

// revokeBefore gives back the tokens of the sources that s has succeeded.
func (s *Source) revokeBefore(ctx context.Context) error {
	var errs []error
	for _, k := range s.before {
		errs = append(errs, k.revoke(ctx))
	}
	return errors.Join(errs...)
}
