package requester

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"restencil/watch/schedule"
)

// A room paces the requests to an agent that has refused one because there are too many.
// There is none for a pause. For as long again there is one at a time, of those that do not
// wait for news: the connections that there are serve what has no answer yet, before
// requests that wait take them.
type room struct {
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
func (r *room) enter(ctx context.Context, waits bool) (leave func()) {
	for ctx.Err() == nil {
		r.mu.Lock()
		next, free := time.Until(r.next), time.Until(r.free)
		r.mu.Unlock()
		turn, pause := r.turn, free
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
func (r *room) refuse(began time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if began.Before(r.next) {
		return r.refused
	}
	if time.Since(r.free) > settled {
		r.refused = 0
	}
	r.refused++
	pause := r.retry.Ceiling(r.refused)
	pause -= rand.N(pause/2 + 1)
	r.next = time.Now().Add(pause)
	r.free = r.next.Add(pause)
	return r.refused
}
