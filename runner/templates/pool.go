package templates

import (
	"runtime"
	"sync"
	"time"
)

// A pool executes tasks in order, as many at a time as there are processors. A
// task that takes longer than grace does not count, so that one that hangs keeps
// no other from being executed. The zero pool is ready.
type pool struct {
	running sync.WaitGroup

	mu      sync.Mutex
	queue   []func()
	workers int // those that count
}

// run has a worker execute a task, and does not wait for that.
func (p *pool) run(task func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = append(p.queue, task)
	p.start()
}

// start starts a worker, unless there are enough. The pool is locked.
func (p *pool) start() {
	if len(p.queue) > 0 && p.workers < runtime.GOMAXPROCS(0) {
		p.workers++
		p.running.Go(p.work)
	}
}

func (p *pool) work() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 {
		task := p.queue[0]
		p.queue = p.queue[1:]
		p.running.Add(1)
		replace := time.AfterFunc(grace, func() {
			defer p.running.Done()
			p.mu.Lock()
			defer p.mu.Unlock()
			p.workers--
			p.start()
		})
		p.mu.Unlock()
		task()
		p.mu.Lock()
		if !replace.Stop() {
			return // another worker has taken its place
		}
		p.running.Done()
	}
	p.workers--
}
