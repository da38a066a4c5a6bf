package vault

import (
	"sync"
	"time"

	"restencil/watch"
)

// An inbox takes what is to be watched and what not any more, from any
// goroutine, in order.
type inbox struct {
	wake chan struct{} // room for one: there are orders

	mu     sync.Mutex
	orders []order
	closed bool // nobody takes them any more
}

// An order is to watch a query, or where there is no sink, to unwatch it.
type order struct {
	query watch.Query
	sink  watch.Sink
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (in *inbox) put(orders ...order) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || len(orders) == 0 {
		return
	}
	in.orders = append(in.orders, orders...)
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

func (in *inbox) take() []order {
	in.mu.Lock()
	defer in.mu.Unlock()
	orders := in.orders
	in.orders = nil
	return orders
}

func (in *inbox) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.orders, in.closed = nil, true
}

// takeOrders does what came in.
func (l *loop) takeOrders(orders []order) {
	now := time.Now()
	for _, o := range orders {
		if o.sink == nil {
			l.unwatch(o.query.ID())
		} else {
			l.watch(o.query, o.sink, now)
		}
	}
}

// watch begins to keep a query. What was issued for it before is given out
// again, as long as it is good.
func (l *loop) watch(q watch.Query, sink watch.Sink, now time.Time) {
	id := q.ID()
	if e := l.entries[id]; e != nil {
		l.takeUp(e, sink, now)
		return
	}
	s, err := newSubject(q, l.options)
	if err != nil {
		sink.Fail(&watch.Error{Query: q, Class: watch.Invalid, Err: err})
		return
	}
	e := &entry{id: id, query: q, sink: sink, subject: s}
	l.entries[id] = e
	l.timers.Set(e, now)
}

// unwatch lets a query go. What may have been issued for it is kept for a
// while.
func (l *loop) unwatch(id watch.ID) {
	e := l.entries[id]
	if e == nil || e.sink == nil {
		return
	}
	e.sink = nil
	l.leave(e)
	switch {
	case e.visiting && e.makes: // it is seen to when the visit ends
		e.shelved = true
		l.shelved++
	case e.visiting:
		e.cancel()
		l.forget(e)
	default:
		e.shelved = true
		l.shelved++
		l.shelve(e)
	}
}

// maxShelved is how many queries are kept that nobody watches.
const maxShelved = 4096

// shelve keeps e, which nobody watches, for as long as what was issued for it
// need not be replaced. What was not, is forgotten.
func (l *loop) shelve(e *entry) {
	l.leave(e)
	if !e.known || !e.made || l.shelved > maxShelved {
		l.forget(e)
		return
	}
	l.timers.Set(e, e.goodUntil())
}

// goodUntil returns when what e has is to be replaced.
func (e *entry) goodUntil() time.Time {
	until := e.held.ReplaceAt()
	if !e.move.IsZero() {
		until = earlier(until, e.move)
	}
	return until
}

// takeUp has a sink get what e has, if that is good.
func (l *loop) takeUp(e *entry, sink watch.Sink, now time.Time) {
	l.unshelve(e)
	e.sink, e.heard, e.failing = sink, 0, false
	if e.known && now.Before(e.goodUntil()) {
		e.publish(now)
	}
	if e.visiting {
		return
	}
	at := now
	if e.known {
		_, at = e.step()
	}
	l.timers.Set(e, at)
}

// leave has e neither come up nor wait for anything.
func (l *loop) leave(e *entry) {
	l.timers.Remove(e)
	delete(l.lacking, e)
	delete(l.outage.waiting, e)
	delete(l.outage.members, e)
	if e.subject.at() != "" {
		l.mounts.left(e)
	}
}

// forget forgets all of e but what Vault may have issued for it.
func (l *loop) forget(e *entry) {
	l.unshelve(e)
	e.gone = true
	l.leave(e)
	delete(l.entries, e.id)
}

func (l *loop) unshelve(e *entry) {
	if e.shelved {
		e.shelved = false
		l.shelved--
	}
}
