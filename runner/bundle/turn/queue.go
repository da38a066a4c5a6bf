package turn

import (
	"cmp"
	"slices"
	"sync"
)

// A Queue has the commands of several bundles run one after another: those of an
// earlier pass of the runner first, and within a pass in the order of templates, as
// in consul-template (COMPAT 4.6.3). A bundle takes its place when it is offered
// outputs, before it is known whether its command is to run. The zero Queue is empty.
// Its methods may be called concurrently.
type Queue struct {
	mu      sync.Mutex
	tickets []*Ticket // the first has its turn
}

// A Ticket is a place in a Queue.
type Ticket struct {
	queue       *Queue
	pass, order int
	turn        chan struct{} // closed when it is the first
}

// Reserve takes a place. A ticket that has its turn keeps it.
func (q *Queue) Reserve(pass, order int) *Ticket {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := &Ticket{queue: q, pass: pass, order: order, turn: make(chan struct{})}
	at, _ := slices.BinarySearchFunc(q.tickets, t, func(a, b *Ticket) int {
		return cmp.Or(cmp.Compare(a.pass, b.pass), cmp.Compare(a.order, b.order), -1)
	})
	if at == 0 && len(q.tickets) > 0 {
		at = 1
	}
	q.tickets = slices.Insert(q.tickets, at, t)
	if at == 0 {
		close(t.turn)
	}
	return t
}

// Turn is closed when it is t's turn, which lasts until Release. It is nil for a nil
// Ticket.
func (t *Ticket) Turn() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.turn
}

// Release gives the place up. A nil Ticket has none.
func (t *Ticket) Release() {
	if t == nil {
		return
	}
	q := t.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.tickets, t)
	if i < 0 {
		return
	}
	q.tickets = slices.Delete(q.tickets, i, i+1)
	if i == 0 && len(q.tickets) > 0 {
		close(q.tickets[0].turn)
	}
}
