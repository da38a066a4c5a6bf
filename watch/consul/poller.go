package consul

import (
	"context"
	"sync"
	"time"

	"restencil/watch/consul/requester"
	"restencil/watch/schedule"
)

// A poller makes the plain reads, some at a time.
type poller struct {
	wake schedule.Wakeup // there may be something to read

	mu   sync.Mutex
	from []schedules
}

// Schedules decide what to read.
type schedules interface {
	// next returns the next read; nil: there is none until that time or the next
	// wake-up. The zero time is never.
	next(now time.Time) (read func(), at time.Time)
}

// change replaces the schedules.
func (p *poller) change(do func(from []schedules) []schedules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.from = do(p.from)
	p.wake.Wake()
}

// run reads until ctx ends.
func (p *poller) run(ctx context.Context, readers int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, readers)
	for {
		select {
		case <-ctx.Done():
			return
		case free <- struct{}{}:
		}
		read, at := p.next(time.Now())
		for read == nil {
			select {
			case <-ctx.Done():
				return
			case <-p.wake:
			case <-until(at):
			}
			read, at = p.next(time.Now())
		}
		wg.Go(func() {
			defer func() { <-free }()
			read()
		})
	}
}

// next returns the next read. It takes the schedules in turn.
func (p *poller) next(now time.Time) (read func(), at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, s := range p.from {
		read, next := s.next(now)
		if read != nil {
			p.from = append(append([]schedules{}, p.from[i+1:]...), p.from[:i+1]...)
			return read, time.Time{}
		}
		at = schedule.Earliest(at, next)
	}
	return nil, at
}

// How often a query in rotation is read.
const (
	rotationLeast = time.Second          // again, at the soonest
	rotationEach  = 5 * time.Millisecond // the same, for each query in rotation
)

// A rotation schedules reads of queries, one after another, again and again.
type rotation struct {
	wake schedule.Wakeup

	mu    sync.Mutex
	due   schedule.Timers[*reading] // without those under way
	count int                       // with those under way
}

// A reading is a query in rotation.
type reading struct {
	requester *requester.Requester
	ctx       context.Context
}

// start schedules reads by k until stop is called, or ctx ends.
func (r *rotation) start(ctx context.Context, k *requester.Requester) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	e := &reading{k, ctx}
	r.count++
	r.due.Set(e, time.Now())
	r.wake.Wake()
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		cancel()
		r.count--
		r.due.Remove(e)
	}
}

// next implements schedules.
func (r *rotation) next(now time.Time) (func(), time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.due.Pop(now)
	if !ok {
		return nil, r.due.Next()
	}
	return func() {
		_, wait := e.requester.Read(e.ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		if e.ctx.Err() == nil {
			r.due.Set(e, time.Now().Add(max(rotationLeast, rotationEach*time.Duration(r.count), wait)))
			r.wake.Wake()
		}
	}, time.Time{}
}
