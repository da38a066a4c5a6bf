package consul

import (
	"context"
	"sync"
	"time"

	"restencil/watch/blocking/requester"
	"restencil/watch/schedule"
)

// A poller makes the plain reads, some at a time. Those of a datacenter that does not
// answer leave room for others.
type poller struct {
	wake    schedule.Wakeup // there may be something to read
	readers int             // the most reads at a time

	mu   sync.Mutex
	from []schedules
	busy map[string]int // the reads under way of each named datacenter
}

// Schedules decide what to read.
type schedules interface {
	// next returns the next read, of a datacenter that may have one, and that
	// datacenter; nil: there is none until that time or the next wake-up. The zero
	// time is never.
	next(now time.Time, may func(datacenter string) bool) (read func(), datacenter string, at time.Time)
}

// may reports whether a datacenter may have one more read: each that is named a
// quarter of them, and all that are named all but one. The caller holds the lock.
func (p *poller) may(datacenter string) bool {
	if datacenter == "" || p.readers == 1 {
		return true
	}
	all := 0
	for _, n := range p.busy {
		all += n
	}
	return p.busy[datacenter] < max(1, p.readers/4) && all < p.readers-1
}

// done is for the end of a read of a datacenter.
func (p *poller) done(datacenter string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[datacenter]--; p.busy[datacenter] == 0 {
		delete(p.busy, datacenter)
	}
	p.wake.Wake()
}

// change replaces the schedules.
func (p *poller) change(do func(from []schedules) []schedules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.from = do(p.from)
	p.wake.Wake()
}

// run reads until ctx ends.
func (p *poller) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, p.readers)
	for {
		select {
		case <-ctx.Done():
			return
		case free <- struct{}{}:
		}
		read, datacenter, at := p.next(time.Now())
		for read == nil {
			select {
			case <-ctx.Done():
				return
			case <-p.wake:
			case <-schedule.At(at):
			}
			read, datacenter, at = p.next(time.Now())
		}
		wg.Go(func() {
			defer func() { <-free }()
			read()
			if datacenter != "" {
				p.done(datacenter)
			}
		})
	}
}

// next returns the next read. It takes the schedules in turn.
func (p *poller) next(now time.Time) (read func(), datacenter string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, s := range p.from {
		read, datacenter, next := s.next(now, p.may)
		if read != nil {
			p.from = append(append([]schedules{}, p.from[i+1:]...), p.from[:i+1]...)
			if datacenter != "" {
				p.busy[datacenter]++
			}
			return read, datacenter, time.Time{}
		}
		at = schedule.Earliest(at, next)
	}
	return nil, "", at
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
	due   map[string]*schedule.Timers[*reading] // by datacenter, without those under way
	count int                                   // with those under way
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
	due := r.due[k.Query.Datacenter]
	if due == nil {
		due = new(schedule.Timers[*reading])
		r.due[k.Query.Datacenter] = due
	}
	r.count++
	due.Set(e, time.Now())
	r.wake.Wake()
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		cancel()
		r.count--
		due.Remove(e)
	}
}

// next implements schedules.
func (r *rotation) next(now time.Time, may func(datacenter string) bool) (read func(), datacenter string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for datacenter, due := range r.due {
		if !may(datacenter) {
			continue
		}
		if e, ok := due.Pop(now); ok {
			return func() { r.read(e, due) }, datacenter, time.Time{}
		}
		at = schedule.Earliest(at, due.Next())
	}
	return nil, "", at
}

// read reads a query, and sets when to read it again.
func (r *rotation) read(e *reading, due *schedule.Timers[*reading]) {
	_, wait := e.requester.Read(e.ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.ctx.Err() == nil {
		due.Set(e, time.Now().Add(max(rotationLeast, rotationEach*time.Duration(r.count), wait)))
		r.wake.Wake()
	}
}
