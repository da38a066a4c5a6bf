package templates

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// A pool runs executions, as many at a time as there are processors.
type pool struct {
	ctx     context.Context
	slots   chan struct{}
	running sync.WaitGroup
}

func (p *pool) start(ctx context.Context) {
	p.ctx = ctx
	p.slots = make(chan struct{}, runtime.GOMAXPROCS(0))
}

// run calls do in a goroutine, while that holds a slot. Where none becomes free
// for a while it goes on without one: a template that hangs keeps no other from
// being executed.
func (p *pool) run(do func()) {
	p.running.Go(func() {
		select {
		case p.slots <- struct{}{}:
			defer func() { <-p.slots }()
		default:
			if p.waitForSlot() {
				defer func() { <-p.slots }()
			}
		}
		do()
	})
}

// waitForSlot tells whether it has got a slot in time.
func (p *pool) waitForSlot() bool {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-p.ctx.Done():
	}
	return false
}
