package requester

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"restencil/watch/schedule"
)

// A throttle paces the requests to an agent that has refused one because there are too many.
// There is none for a pause. For as long again there is one at a time, of those that do not
// wait for news: the connections that there are serve what has no answer yet, before
// requests that wait take them.
type throttle struct {
	retry schedule.Backoff
	turn  chan struct{} // has one during a request that is alone

	mu      sync.Mutex
	refused int       // requests in a row, without those that were under way at a refusal
	next    time.Time // when there may be one request at a time
	free    time.Time // when there may be any number
}

// settled is how long after the end of a pause a refusal counts as the first.
const settled = 10 * time.Second

// enter waits until a request may begin, or ctx ends. leave is for its end.
func (t *throttle) enter(ctx context.Context, waits bool) (leave func()) {
	for ctx.Err() == nil {
		t.mu.Lock()
		next, free := time.Until(t.next), time.Until(t.free)
		t.mu.Unlock()
		turn, pause := t.turn, free
		switch {
		case free <= 0:
			return func() {}
		case waits:
			turn = nil
		case next > 0:
			turn, pause = nil, next
		}
		select {
		case turn <- struct{}{}:
			return func() { <-turn }
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return func() {}
}

// refuse records the refusal of a request that began at that time, and returns how many
// there have been in a row.
func (t *throttle) refuse(began time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if began.Before(t.next) {
		return t.refused
	}
	if time.Since(t.free) > settled {
		t.refused = 0
	}
	t.refused++
	pause := t.retry.Ceiling(t.refused)
	pause -= rand.N(pause/2 + 1)
	t.next = time.Now().Add(pause)
	t.free = t.next.Add(pause)
	return t.refused
}
