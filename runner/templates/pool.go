package templates

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// A pool does tasks in order, as many at a time as there are processors. Its
// workers stay for the next task: their stacks have grown, which takes longer
// than to execute a small template.
type pool struct {
	ctx     context.Context
	width   int // how many workers are kept
	running sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // for idle workers: there is a task, or the context has ended
	queue   []func()
	moved   time.Time // when the queue began, or a worker took a task from it
	workers int
	idle    int
}

func newPool(ctx context.Context) *pool {
	p := &pool{ctx: ctx, width: runtime.GOMAXPROCS(0)}
	p.changed = sync.NewCond(&p.mu)
	context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed.Broadcast()
	})
	return p
}

// run has a worker do a task, and does not wait for that.
func (p *pool) run(task func(), now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.moved = now
	}
	p.queue = append(p.queue, task)
	if len(p.queue) > p.idle && p.workers < p.width {
		p.start()
	} else {
		p.changed.Signal()
	}
}

// start starts a worker. The pool is locked.
func (p *pool) start() {
	p.workers++
	p.running.Go(func() {
		for task := p.next(); task != nil; task = p.next() {
			task()
		}
	})
}

// next waits for a task, and returns nil where the worker is to end.
func (p *pool) next() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 {
		if p.workers > p.width || p.ctx.Err() != nil {
			p.workers--
			return nil
		}
		p.idle++
		p.changed.Wait()
		p.idle--
	}
	task := p.queue[0]
	p.queue, p.moved = p.queue[1:], time.Now()
	return task
}

// stuckAt is when the workers count as stuck if none takes a task until then,
// zero: no task waits.
func (p *pool) stuckAt() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		return time.Time{}
	}
	return p.moved.Add(grace)
}

// addWorkers starts more workers where the others are stuck: a template that hangs
// keeps no other from being executed.
func (p *pool) addWorkers(now time.Time) {
	if at := p.stuckAt(); at.IsZero() || now.Before(at) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved = now
	for range min(p.width, len(p.queue)) {
		p.start()
	}
}

// grace is how long the outputs of a pass wait for its slowest template. After
// that the others go on, and so do other passes beside it.
const grace = 100 * time.Millisecond

// A pass is executions that begin together: what they ask is watched, and what
// they render is offered, at the same time.
type pass struct {
	deadline time.Time // when those that have ended do not wait for the others any more
	alone    bool      // there is one, which has nobody to wait for

	mu    sync.Mutex
	left  int          // how many are under way
	ended []*execution // that nobody has taken yet
}
