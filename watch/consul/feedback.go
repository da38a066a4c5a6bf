package consul

import (
	"context"
	"slices"
	"time"

	"restencil/watch"
	"restencil/watch/blocking/requester"
	"restencil/watch/consul/plan"
	"restencil/watch/schedule"
)

const (
	feedbackDelay = 50 * time.Millisecond // a new plan waits so long for more feedback
	refusalExpiry = 10 * time.Minute      // what the agent refused is tried again after that
)

// A refusal limits what may be planned: a [plan.Extent] that cannot be watched as a
// whole, the [watch.ID] of a key that its prefix does not show, or a [requester.Limit].
// A limitAnswer expires as these do.
type refusal any

// Feedback holds the refusals since the last plan.
type feedback struct{ *schedule.Inbox[[]refusal] }

func (f feedback) add(r refusal) { f.Post(func(all *[]refusal) { *all = append(*all, r) }) }

// replanOnFeedback makes a new plan when there is feedback, and when a refusal
// expires, until ctx ends.
func (s *Source) replanOnFeedback(ctx context.Context) {
	for {
		s.mu.Lock()
		expired := schedule.At(s.refusals.Next())
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-expired:
		case <-s.feedback.Wakeup:
			select {
			case <-ctx.Done():
				return
			case <-time.After(feedbackDelay):
			}
		}
		s.applyFeedback(time.Now())
	}
}

// applyFeedback changes the rules as the feedback says, and makes a new plan if they
// changed.
func (s *Source) applyFeedback(now time.Time) {
	refused := s.feedback.Take()
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := false
	for _, r := range s.refusals.PopAll(now) {
		switch r := r.(type) {
		case plan.Extent:
			delete(s.rules.Excluded, r)
			changed = true
		case watch.ID:
			delete(s.rules.Unshared, r)
			changed = true
		case requester.Limit:
			s.budget.reduced = 0
		case limitAnswer:
			s.budget.asked = false
		}
	}
	s.budget.http1 = s.budget.http1 || slices.Contains(refused, refusal(requester.HTTP1))
	changed = s.setBudget() || changed
	for _, r := range refused {
		switch r := r.(type) {
		case plan.Extent:
			s.rules.Excluded[r] = true
		case watch.ID:
			if s.subscriptions[r] == nil {
				continue
			}
			s.rules.Unshared[r] = true
		case requester.Limit:
			if r == requester.TooManyRequests {
				s.reduceBudget(now)
			}
			continue
		}
		s.refusals.Set(r, now.Add(refusalExpiry))
		changed = true
	}
	if s.setBudget() || changed {
		s.replan()
	} else if s.run != nil {
		s.askLimit()
	}
}
