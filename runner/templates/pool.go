package templates

import (
	"runtime"
	"sync"
	"time"
)

// A pool executes tasks in order, as many at a time as there are processors. Its
// workers stay for the next task: their stacks have grown, which takes longer than
// to execute a small template. While tasks wait and no worker takes one for the
// time grace, the workers are stuck, and more are started: a task that hangs keeps
// no other from being executed.
type pool struct {
	running sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // for idle workers: there is a task, or the pool is closed
	stuck   *time.Timer
	queue   []func()
	workers int
	idle    int
	closed  bool
}

func newPool() *pool {
	p := new(pool)
	p.changed = sync.NewCond(&p.mu)
	p.stuck = time.AfterFunc(grace, p.addWorkers)
	p.stuck.Stop()
	return p
}

// run has a worker execute a task, and does not wait for that.
func (p *pool) run(task func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, task)
	switch {
	case p.idle >= len(p.queue):
		p.changed.Signal()
	case p.workers < runtime.GOMAXPROCS(0):
		p.start()
	case len(p.queue) == 1:
		p.stuck.Reset(grace)
	}
}

// start starts a worker. The pool is locked.
func (p *pool) start() {
	p.workers++
	p.running.Go(p.work)
}

func (p *pool) work() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.queue) == 0 {
			if p.closed || p.workers > runtime.GOMAXPROCS(0) {
				p.workers--
				return
			}
			p.idle++
			p.changed.Wait()
			p.idle--
		}
		task := p.queue[0]
		p.queue = p.queue[1:]
		if len(p.queue) == 0 {
			p.stuck.Stop()
		} else {
			p.stuck.Reset(grace)
		}
		p.mu.Unlock()
		task()
		p.mu.Lock()
	}
}

// addWorkers starts more workers for the tasks that wait.
func (p *pool) addWorkers() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 || p.closed {
		return
	}
	for range min(len(p.queue), runtime.GOMAXPROCS(0)) {
		p.start()
	}
	p.stuck.Reset(grace)
}

// close waits for all tasks to end. There are no others afterwards.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.stuck.Stop()
	p.changed.Broadcast()
	p.mu.Unlock()
	p.running.Wait()
}
