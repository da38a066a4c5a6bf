package consul

import (
	"context"
	"fmt"
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

// Feedback is what was learned of the agent since the last plan.
type feedback struct {
	wake   schedule.Wakeup
	notice func(error)

	mu       sync.Mutex
	excluded []plan.Extent
	doubted  []watch.ID
	crowded  bool
	http1    bool            // the agent takes one request a connection
	longest  time.Duration   // a request that waits for longer is cut; zero: none is
	told     map[string]bool // the notices that were given
}

func newFeedback(notice func(error)) *feedback {
	return &feedback{wake: schedule.NewWakeup(), notice: notice, told: make(map[string]bool)}
}

func (f *feedback) add(note func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	note()
	f.wake.Wake()
}

// exclude notes that e cannot be watched as a whole.
func (f *feedback) exclude(e plan.Extent) { f.add(func() { f.excluded = append(f.excluded, e) }) }

// doubt notes that a prefix does not tell whether a key is there.
func (f *feedback) doubt(q watch.ID) { f.add(func() { f.doubted = append(f.doubted, q) }) }

// refused notes that the agent has too many requests.
func (f *feedback) refused() { f.add(func() { f.crowded = true }) }

// sawHTTP1 notes that the agent does not speak HTTP/2, though it could.
func (f *feedback) sawHTTP1() {
	f.mu.Lock()
	known := f.http1
	f.mu.Unlock()
	if !known {
		f.add(func() { f.http1 = true })
	}
}

// wasCut notes that a request which waited for so long was cut, as the one before.
func (f *feedback) wasCut(after time.Duration) {
	f.mu.Lock()
	wait := (after * 3 / 4).Truncate(time.Second)
	known := f.longest > 0 && f.longest <= wait
	if !known {
		f.longest = wait
	}
	f.mu.Unlock()
	if !known {
		f.notice(fmt.Errorf("a proxy before Consul cuts requests that wait for longer than %v; asking for %v from now on; set block_query_wait to less than %[1]v", after.Round(time.Second), wait))
	}
}

// longestWait returns how long a request may wait without being cut, zero where
// nothing cuts it.
func (f *feedback) longestWait() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.longest
}

// filtered notes that the first answer to a query may not be whole. It tells of
// the first query of a kind.
func (f *feedback) filtered(q watch.Query) {
	f.mu.Lock()
	known := f.told[string(q.Kind)]
	f.told[string(q.Kind)] = true
	f.mu.Unlock()
	if !known {
		f.notice(fmt.Errorf("%v: Consul leaves out what the token may not read (X-Consul-Results-Filtered-By-ACLs); the answer may be incomplete; the token needs %s", q, rights(q)))
	}
}

// A refusal is what the agent has refused, which the plan respects for a while: a
// prefix, a key that its prefix does not tell of, or as the zero value, the
// number of requests.
type refusal struct {
	extent plan.Extent
	query  watch.ID
}

// replanOnFeedback plans anew when there is feedback, and when a refusal is forgiven, until
// ctx ends.
func (s *Source) replanOnFeedback(ctx context.Context) {
	for {
		var forgive <-chan time.Time
		s.mu.Lock()
		if next := s.refusals.Next(); !next.IsZero() {
			forgive = timeout(max(1, time.Until(next)))
		}
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-forgive:
		case <-s.feedback.wake:
			if sleep(ctx, together) != nil {
				return
			}
		}
		s.applyFeedback(time.Now())
	}
}

// applyFeedback plans anew with the feedback that there is.
func (s *Source) applyFeedback(now time.Time) {
	f := s.feedback
	f.mu.Lock()
	excluded, doubted, crowded, http1 := f.excluded, f.doubted, f.crowded, f.http1
	f.excluded, f.doubted, f.crowded = nil, nil, false
	f.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.refusals.PopAll(now) {
		delete(s.rules.Excluded, r.extent)
		delete(s.rules.Single, r.query)
	}
	for _, e := range excluded {
		s.rules.Excluded[e] = true
		s.refusals.Set(refusal{extent: e}, now.Add(forgiven))
	}
	for _, q := range doubted {
		if s.subscriptions[q] != nil {
			s.rules.Single[q] = true
			s.refusals.Set(refusal{query: q}, now.Add(forgiven))
		}
	}
	lowered := s.refusals.Due(refusal{}) // zero: it is not
	switch {
	case crowded && (lowered.IsZero() || now.Sub(lowered.Add(-forgiven)) > lowerAgain):
		s.rules.Budget = max(client.LeastConnections, min(s.rules.Budget, s.plan.Held())/2)
		s.refusals.Set(refusal{}, now.Add(forgiven))
	case lowered.IsZero():
		s.rules.Budget = s.client.Capacity(s.options.Options, !http1)
	}
	s.replan()
}
