package consul

import (
	"context"
	"sync"
	"time"

	"restencil/watch/schedule"
)

// How often what no blocking query keeps current is read.
const (
	soonest = time.Second            // one query again, in rotation
	turn    = 5 * time.Millisecond   // the same, for each query in rotation
	spacing = 400 * time.Microsecond // one query again, for each that has bells, when they ring on and on
	seldom  = 10 * time.Minute       // one query again, though no bell has rung
	heat    = 5 * time.Second        // during which what has changed is likely to change again
	chime   = 3 * time.Millisecond   // what follows the first of three bells that ring for one change
)

// A rota reads queries when it is their turn, some of them at a time.
type rota struct {
	mu     sync.Mutex
	due    schedule.Timers[*reading]    // when a query is read; what is being read is not there
	rung   map[*bells]map[*reading]bool // the readings that have bells
	turned int                          // how many have none
	wake   chan struct{}                // capacity 1: something is due earlier than all that was
}

func newRota() *rota {
	return &rota{rung: make(map[*bells]map[*reading]bool), wake: make(chan struct{}, 1)}
}

// A reading is a query that is read again and again.
type reading struct {
	keeper *keeper
	bells  *bells // nil: none
	cancel context.CancelFunc
	ctx    context.Context

	// Guarded by the rota.
	began time.Time // the last read
	busy  bool      // it is being read
	again bool      // the bells have rung since that began
	read  bool      // it has been read before
	news  time.Time // when a read brought something new last
	gone  bool
}

// run reads until ctx ends, so many queries at a time.
func (r *rota) run(ctx context.Context, readers int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, readers)
	for {
		select {
		case <-ctx.Done():
			return
		case free <- struct{}{}:
		}
		e := r.next(ctx)
		if e == nil {
			return
		}
		wg.Go(func() {
			if e.keeper.read(e.ctx) == nil {
				r.done(e)
			}
			<-free
		})
	}
}

// next waits for the next turn; nil: ctx has ended.
func (r *rota) next(ctx context.Context) *reading {
	for {
		e, wait := r.head(time.Now())
		if e != nil {
			return e
		}
		if !r.doze(ctx, wait) {
			return nil
		}
	}
}

// head takes what is due, or returns how long there is nothing
// to do; negative: until something is added.
func (r *rota) head(now time.Time) (*reading, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.due.Pop(now)
	if !ok {
		if next := r.due.Next(); !next.IsZero() {
			return nil, next.Sub(now)
		}
		return nil, -1
	}
	e.busy, e.again, e.began = true, false, now
	return e, 0
}

// doze waits; false: ctx has ended.
func (r *rota) doze(ctx context.Context, wait time.Duration) bool {
	var over <-chan time.Time
	if wait >= 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-r.wake:
	case <-over:
	}
	return true
}

// add has e read, at once for the first time, or when its bells can ring.
func (r *rota) add(e *reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	due := time.Now()
	if e.bells == nil {
		r.turned++
	} else {
		if r.rung[e.bells] == nil {
			r.rung[e.bells] = make(map[*reading]bool)
		}
		r.rung[e.bells][e] = true
		if !e.bells.ready() {
			due = due.Add(soonest)
		}
	}
	r.set(e, due)
}

// remove ends the reading of e.
func (r *rota) remove(e *reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.bells == nil {
		r.turned--
	} else if delete(r.rung[e.bells], e); len(r.rung[e.bells]) == 0 {
		delete(r.rung, e.bells)
	}
	e.gone = true
	e.cancel()
	r.due.Remove(e)
}

// set has e read at that time.
func (r *rota) set(e *reading, due time.Time) {
	first := r.due.Next()
	r.due.Set(e, due)
	if first.IsZero() || due.Before(first) {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// done puts back what has been read.
func (r *rota) done(e *reading) {
	now := time.Now()
	pause := e.keeper.pause // after a failure
	e.keeper.pause = 0
	doubt, news := e.keeper.cursor.confirm, e.keeper.news
	r.mu.Lock()
	defer r.mu.Unlock()
	e.busy = false
	if news && e.read {
		e.news = now
	}
	e.read = true
	if e.gone {
		return
	}
	var due time.Time
	switch {
	case doubt:
		due = now
	case e.again:
		due = r.soon(e)
	case e.bells != nil && e.bells.reliable():
		due = now.Add(seldom)
	default:
		due = now.Add(max(soonest, turn*time.Duration(r.turned)))
	}
	if pause > 0 {
		due = now.Add(max(pause, turn*time.Duration(r.turned+len(r.rung[e.bells]))))
	}
	r.set(e, due)
}

// soon is when e, whose bells have rung, may be read again. What has just
// changed often changes again, and is not made to wait for all the others.
func (r *rota) soon(e *reading) time.Time {
	if e.hot(time.Now()) {
		return e.began.Add(chime)
	}
	return e.began.Add(spacing * time.Duration(len(r.rung[e.bells])))
}

// hot tells whether e has just changed.
func (e *reading) hot(now time.Time) bool { return now.Sub(e.news) < heat }

// ring has everything read soon that has these bells.
func (r *rota) ring(b *bells) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for e := range r.rung[b] {
		if e.again = e.busy; e.busy {
			continue
		}
		due := latest(now, r.soon(e))
		if !e.hot(now) {
			due = latest(now.Add(chime), due)
		}
		if due.Before(r.due.Due(e)) {
			r.set(e, due)
		}
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
