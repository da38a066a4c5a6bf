package runner

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"restencil/runner/bundle"
	"restencil/template"
	"restencil/watch"
)

// passGrace is how long the outputs of a pass wait for its slowest template.
// After that the others go on, and so do other passes beside it.
const passGrace = 100 * time.Millisecond

// passes are the executions of templates that are under way. Those that begin
// together are a pass: what they ask is watched, and what they render is offered,
// at the same time.
type passes struct {
	answers *answers
	done    chan struct{} // capacity 1: look again
	ctx     context.Context
	slots   chan struct{}
	running sync.WaitGroup
	open    []*pass
}

// A pass is a set of executions.
type pass struct {
	deadline time.Time // when those that are done do not wait for the others any more
	alone    bool      // there is one, which has nobody to wait for

	mu   sync.Mutex
	left int        // how many are under way
	news []executed // that nobody has taken yet
}

// executed is what became of an execution.
type executed struct {
	template *templateState
	began    news // what there was to do when it began
	result   template.Result
	output   *bundle.Output // nil: it is not complete, or failed
	err      error
	located  func() // what is to be done after locate; the rest is empty then
}

func (p *passes) start(ctx context.Context) {
	p.ctx = ctx
	p.answers = &answers{of: make(map[watch.ID]watch.State)}
	p.done = make(chan struct{}, 1)
	p.slots = make(chan struct{}, runtime.GOMAXPROCS(0))
}

// join waits for all executions to end. The context has ended.
func (p *passes) join() { p.running.Wait() }

// idle tells whether nothing is being executed.
func (p *passes) idle() bool { return len(p.open) == 0 }

// begin executes templates, side by side.
func (p *passes) begin(list []*templateState, now time.Time) {
	if len(list) == 0 {
		return
	}
	one := &pass{deadline: now.Add(passGrace), left: len(list), alone: len(list) == 1}
	p.open = append(p.open, one)
	for _, s := range list {
		began := s.begin()
		p.running.Go(func() {
			p.withSlot(func() {
				x := s.execute(p.ctx, p.answers.get)
				x.began = began
				one.finished(x, p.done)
			})
		})
	}
}

// locate has find called, where s can be executed, and then in the loop tell.
func (p *passes) locate(s *templateState, now time.Time, find func(context.Context), tell func()) {
	one := &pass{deadline: now, left: 1, alone: true}
	p.open = append(p.open, one)
	s.running = true
	p.running.Go(func() {
		p.withSlot(func() {
			find(p.ctx)
			one.finished(executed{template: s, located: tell}, p.done)
		})
	})
}

// withSlot calls do while it holds one of the slots, of which there are as many
// as processors. Where none becomes free for a while it goes on without one: a
// template that hangs keeps no other from being executed.
func (p *passes) withSlot(do func()) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	default:
		if p.waitForSlot() {
			defer func() { <-p.slots }()
		}
	}
	do()
}

// waitForSlot tells whether it has got a slot in time.
func (p *passes) waitForSlot() bool {
	timer := time.NewTimer(passGrace)
	defer timer.Stop()
	select {
	case p.slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-p.ctx.Done():
	}
	return false
}

// execute executes s against the answers.
func (s *templateState) execute(ctx context.Context, get template.Answers) executed {
	x := executed{template: s}
	x.result, x.err = s.tmpl.Execute(ctx, get)
	if x.err == nil && x.result.Complete() {
		x.output = bundle.NewOutput(x.result)
	}
	return x
}

// finished notes the end of an execution, and wakes the loop where it is the last
// of the pass or late.
func (p *pass) finished(x executed, wake chan struct{}) {
	p.mu.Lock()
	p.news = append(p.news, x)
	p.left--
	tell := p.left == 0 || time.Now().After(p.deadline)
	p.mu.Unlock()
	if tell {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// take returns what of the pass is to be dealt with now, in the order of the
// templates, and whether that is the rest of it.
func (p *pass) take(now time.Time) (news []executed, over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left > 0 && now.Before(p.deadline) {
		return nil, false
	}
	news, p.news = p.news, nil
	slices.SortFunc(news, func(a, b executed) int { return a.template.index - b.template.index })
	return news, p.left == 0
}

// take returns the executions that are to be dealt with now, pass by pass.
func (p *passes) take(now time.Time) [][]executed {
	var all [][]executed
	var open []*pass
	for _, one := range p.open {
		news, over := one.take(now)
		if len(news) > 0 {
			all = append(all, news)
		}
		if !over {
			open = append(open, one)
		}
	}
	p.open = open
	return all
}

// next is when outputs stop waiting for slower templates, zero: none do.
func (p *passes) next() time.Time {
	var at time.Time
	for _, one := range p.open {
		if now := time.Now(); !one.alone && one.deadline.After(now) {
			at = earliest(at, one.deadline)
		}
	}
	return at
}

// answers are what is known of the queries. The loop changes them while templates
// execute; an execution sees one answer to a query, the first.
type answers struct {
	mu sync.RWMutex
	of map[watch.ID]watch.State
}

// get returns the answer that templates see.
func (a *answers) get(q watch.Query) (watch.Answer, bool) {
	st, ok := a.state(q)
	return st.Answer, ok && st.Known
}

func (a *answers) state(q watch.Query) (watch.State, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	st, ok := a.of[q.ID()]
	return st, ok
}

// set sets what is known of q, and returns what was before.
func (a *answers) set(q watch.Query, st watch.State) (old watch.State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := q.ID()
	old = a.of[id]
	a.of[id] = st
	return old
}

func (a *answers) forget(queries []watch.Query) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, q := range queries {
		delete(a.of, q.ID())
	}
}
