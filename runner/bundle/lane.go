package bundle

import (
	"cmp"
	"slices"
	"sync"
)

// A Lane has the commands of several bundles run one after another: those of an
// earlier pass of the runner first, and within a pass in the order of templates,
// as in consul-template (COMPAT 4.6.3). A bundle takes its place when it is
// offered outputs, before it is known whether its command is to run, and gives
// it back. The zero Lane is empty and ready. Its methods may be called from any
// goroutine.
type Lane struct {
	mu    sync.Mutex
	queue []*Ticket // the first has its turn
}

// A Ticket is a place in a Lane.
type Ticket struct {
	lane        *Lane
	pass, order int
	turn        chan struct{} // closed when it is the first
}

// Reserve takes a place. One that has its turn keeps it, whoever comes.
func (l *Lane) Reserve(pass, order int) *Ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &Ticket{lane: l, pass: pass, order: order, turn: make(chan struct{})}
	at, _ := slices.BinarySearchFunc(l.queue, t, func(a, b *Ticket) int {
		return cmp.Or(cmp.Compare(a.pass, b.pass), cmp.Compare(a.order, b.order), -1)
	})
	if at == 0 && len(l.queue) > 0 {
		at = 1
	}
	l.queue = slices.Insert(l.queue, at, t)
	if at == 0 {
		close(t.turn)
	}
	return t
}

// Turn is closed when it is t's turn, which lasts until Release.
func (t *Ticket) Turn() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.turn
}

// Release gives the place back. A nil Ticket has none.
func (t *Ticket) Release() {
	if t == nil {
		return
	}
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	i := slices.Index(t.lane.queue, t)
	if i < 0 {
		return
	}
	t.lane.queue = slices.Delete(t.lane.queue, i, i+1)
	if i == 0 && len(t.lane.queue) > 0 {
		close(t.lane.queue[0].turn)
	}
}
