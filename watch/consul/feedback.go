package consul

import (
	"context"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/consul/client"
	"restencil/watch/consul/plan"
	"restencil/watch/schedule"
)

const (
	// together is how long a new plan waits for more feedback.
	together = 50 * time.Millisecond

	// forgiven is how long what the agent has refused is not tried again.
	forgiven = 10 * time.Minute

	// lowerAgain is how soon an agent that has too many requests can ask for
	// fewer than it did before.
	lowerAgain = time.Second
)

// A refusal is what the agent has refused, which the plan respects for a while: a
// [plan.Extent] that cannot be watched as a whole, the [watch.ID] of a key that its
// prefix does not tell of, or tooManyRequests.
type refusal any

type tooManyRequests struct{}

// Feedback is what was learned of the agent since the last plan. It implements
// requester.Feedback.
type feedback struct {
	wake schedule.Wakeup

	mu      sync.Mutex
	refused []refusal
	http1   bool // the agent takes one request a connection
}

// refuse notes a refusal.
func (f *feedback) refuse(r refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = append(f.refused, r)
	f.wake.Wake()
}

// Refused implements requester.Feedback.
func (f *feedback) Refused() { f.refuse(tooManyRequests{}) }

// HTTP1 implements requester.Feedback.
func (f *feedback) HTTP1() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.http1 = true
	f.wake.Wake()
}

// replanOnFeedback plans anew when there is feedback, and when a refusal is
// forgiven, until ctx ends.
func (s *Source) replanOnFeedback(ctx context.Context) {
	for {
		s.mu.Lock()
		forgive := until(s.refusals.Next())
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-forgive:
		case <-s.feedback.wake:
			select {
			case <-ctx.Done():
				return
			case <-time.After(together):
			}
		}
		s.applyFeedback(time.Now())
	}
}

// until returns what receives at a time; the zero time is never.
func until(at time.Time) <-chan time.Time {
	if at.IsZero() {
		return nil
	}
	return time.After(max(1, time.Until(at)))
}

// applyFeedback plans anew with the feedback that there is.
func (s *Source) applyFeedback(now time.Time) {
	s.feedback.mu.Lock()
	refused, http1 := s.feedback.refused, s.feedback.http1
	s.feedback.refused = nil
	s.feedback.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	budget, due := s.rules.Budget, s.refusals.PopAll(now)
	for _, r := range due {
		switch r := r.(type) {
		case plan.Extent:
			delete(s.rules.Excluded, r)
		case watch.ID:
			delete(s.rules.Single, r)
		}
	}
	if s.refusals.Due(tooManyRequests{}).IsZero() {
		s.rules.Budget = s.agent.Client.Capacity(s.agent.Options.Options, !http1)
	}
	for _, r := range refused {
		switch r := r.(type) {
		case plan.Extent:
			s.rules.Excluded[r] = true
		case watch.ID:
			if s.subscriptions[r] == nil {
				continue
			}
			s.rules.Single[r] = true
		case tooManyRequests:
			last := s.refusals.Due(r).Add(-forgiven)
			if now.Sub(last) <= lowerAgain {
				continue
			}
			s.rules.Budget = max(client.LeastConnections, min(s.rules.Budget, s.plan.Held())/2)
		}
		s.refusals.Set(r, now.Add(forgiven))
	}
	if len(due) > 0 || len(refused) > 0 || s.rules.Budget != budget {
		s.replan()
	}
}
