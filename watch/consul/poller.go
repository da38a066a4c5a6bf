package consul

import (
	"context"
	"sync"
	"time"

	"restencil/watch/schedule"
)

// A poller reads what no blocking query keeps current, some queries at a time.
type poller struct {
	wake schedule.Wakeup // there may be something to read

	mu   sync.Mutex
	from []schedules
}

// Schedules say what is to be read.
type schedules interface {
	// next returns what to do now; nil is nothing, until that time or the next
	// wake-up. The zero time is no time.
	next(now time.Time) (read func(), at time.Time)
}

// change changes what the poller reads from.
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
		read := p.await(ctx)
		if read == nil {
			return
		}
		wg.Go(func() {
			defer func() { <-free }()
			read()
		})
	}
}

// await waits until there is something to read; nil: ctx has ended.
func (p *poller) await(ctx context.Context) func() {
	for {
		read, wait := p.look(time.Now())
		if read != nil {
			return read
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-timeout(wait):
		}
	}
}

// look returns what to read now, or how long there is nothing; zero: until a
// wake-up. Each of the schedules comes first in turn.
func (p *poller) look(now time.Time) (read func(), wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, s := range p.from {
		read, at := s.next(now)
		if read != nil {
			p.from = append(append([]schedules{}, p.from[i+1:]...), p.from[:i+1]...)
			return read, 0
		}
		if d := max(1, at.Sub(now)); !at.IsZero() && (wait == 0 || d < wait) {
			wait = d
		}
	}
	return nil, wait
}

// How often a query in rotation is read.
const (
	rotationLeast = time.Second          // again, at the soonest
	rotationEach  = 5 * time.Millisecond // the same, for each query in rotation
)

// A rotation has queries read again and again, one after another.
type rotation struct {
	wake schedule.Wakeup

	mu       sync.Mutex
	due      schedule.Timers[*reading] // what is being read is not there
	readings map[*subscription]*reading
}

// A reading is a query that is read plainly.
type reading struct {
	requester *requester
	ctx       context.Context
	cancel    context.CancelFunc
}

// read reads once. A reply that is not believed is confirmed at once.
func (e *reading) read() {
	k := e.requester
	for k.read(e.ctx) == nil && k.cursor.confirm && !k.failing {
	}
}

// start has sub read until it is stopped, or ctx ends.
func (r *rotation) start(ctx context.Context, sub *subscription, k *requester) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := &reading{requester: k}
	e.ctx, e.cancel = context.WithCancel(ctx)
	r.readings[sub] = e
	r.due.Set(e, time.Now())
	r.wake.Wake()
}

func (r *rotation) stop(sub *subscription) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.readings[sub]; e != nil {
		e.cancel()
		r.due.Remove(e)
		delete(r.readings, sub)
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
		e.read()
		r.done(e)
	}, time.Time{}
}

// done has e read again later.
func (r *rotation) done(e *reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.ctx.Err() == nil {
		pause := max(rotationLeast, rotationEach*time.Duration(len(r.readings)), e.requester.pause)
		e.requester.pause = 0
		r.due.Set(e, time.Now().Add(pause))
		r.wake.Wake()
	}
}
