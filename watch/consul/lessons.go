package consul

import (
	"context"
	"errors"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/consul/plan"
)

const (
	// together is how long a new plan waits for more to be learned.
	together = 50 * time.Millisecond

	// relief is how long what an agent has asked for is heeded that had too
	// many requests, and breath how soon it can ask for more.
	relief = 10 * time.Minute
	breath = time.Second
)

// Lessons are what was learned of the agent since the last plan.
type lessons struct {
	wake chan struct{} // capacity 1: there is one

	mu      sync.Mutex
	barred  []plan.Extent
	doubted []watch.ID
	crowded bool
	single  bool // the agent takes one request a connection
}

func newLessons() *lessons { return &lessons{wake: make(chan struct{}, 1)} }

func (l *lessons) add(lesson func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lesson()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// bar notes that e cannot be watched as a whole.
func (l *lessons) bar(e plan.Extent) { l.add(func() { l.barred = append(l.barred, e) }) }

// doubt notes that a prefix does not tell whether a key is there.
func (l *lessons) doubt(q watch.ID) { l.add(func() { l.doubted = append(l.doubted, q) }) }

// refused notes that the agent has too many requests.
func (l *lessons) refused() { l.add(func() { l.crowded = true }) }

// sawHTTP1 notes that the agent does not speak HTTP/2, though it could.
func (l *lessons) sawHTTP1() {
	l.mu.Lock()
	known := l.single
	l.mu.Unlock()
	if !known {
		l.add(func() { l.single = true })
	}
}

// learn heeds lessons until ctx ends.
func (s *Source) learn(ctx context.Context) {
	var lowered time.Time
	relieved := time.NewTimer(relief)
	defer relieved.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-relieved.C:
			if lowered.IsZero() {
				continue
			}
			lowered = time.Time{}
		case <-s.lessons.wake:
			if sleep(ctx, together) != nil {
				return
			}
		}
		if s.heed(lowered) {
			lowered = time.Now()
			relieved.Reset(relief)
		}
	}
}

// heed plans anew with what was learned; lowered is when the budget was, zero
// for never. It tells whether it is now.
func (s *Source) heed(lowered time.Time) (lower bool) {
	l := s.lessons
	l.mu.Lock()
	barred, doubted, crowded, http1 := l.barred, l.doubted, l.crowded, l.single
	l.barred, l.doubted, l.crowded = nil, nil, false
	l.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range barred {
		s.rules.Barred[e] = true
	}
	for _, q := range doubted {
		if s.jobs[q] != nil {
			s.rules.Lonely[q] = true
		}
	}
	if lower = crowded && time.Since(lowered) > breath; lower {
		s.rules.Budget = max(leastBudget, min(s.rules.Budget, s.plan.Held())/2)
	} else if lowered.IsZero() {
		s.rules.Budget = s.client.capacity(s.options, !http1)
	}
	s.replan()
	return lower
}

// errTooMuch is why a reply is not read to its end.
var errTooMuch = errors.New("the reply is too large")
