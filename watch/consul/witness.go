package consul

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/consul/fetch"
	"restencil/watch/consul/plan"
)

// A witness finds out that the servers cannot be reached, or do not know the
// token. Blocking queries for the instances of a service do not: the agent
// answers them from what a server told it before. While the witness fails, such
// queries do not wait for news, and are put plainly.
type witness struct {
	task
	queries int // that need one; the source's lock guards it

	mu     sync.Mutex
	valid  context.Context // ends when the witness fails
	cancel context.CancelFunc
}

// unconfirmed is how long after an answer the next plain request follows while
// the witness fails, at random up to twice that.
const unconfirmed = 2 * time.Second

func newWitness(s *Source) *witness {
	w := &witness{}
	w.take(reply{}, true)
	k := &requester{
		s: s, query: watch.Query{Kind: watch.NodeList}, kind: fetch.Kind{Fetch: fetch.Witness, Polled: true},
		to: w, shared: true, waits: waits{pause: s.options.PollInterval},
	}
	w.run = k.keep
	return w
}

// take implements receiver.
func (w *witness) take(reply, bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.valid == nil || w.valid.Err() != nil {
		w.valid, w.cancel = context.WithCancel(context.Background())
	}
	return false
}

// failed implements receiver.
func (w *witness) failed(*watch.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel()
}

// awaits implements receiver.
func (w *witness) awaits() bool { return false }

// A view is what a request may rely on of the agent's view of a service. The zero
// view is of a query that is always answered by a server.
type view struct {
	valid  context.Context
	waited bool // the request waits for news, as long as the view is valid
}

// join returns the context of the next request, and what it may rely on.
func (k *requester) join(ctx context.Context) (context.Context, view, context.CancelFunc) {
	none := func() {}
	if k.once || k.pace != nil || !plan.NeedsWitness(k.query.Kind) {
		return ctx, view{}, none
	}
	w := k.s.watches.witness
	w.mu.Lock()
	v := view{valid: w.valid}
	w.mu.Unlock()
	if v.valid.Err() != nil {
		k.cursor = k.cursor.anew()
	}
	if k.cursor.index == 0 {
		return ctx, v, none
	}
	v.waited = true
	request, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(v.valid, cancel)
	return request, v, func() {
		stop()
		cancel()
	}
}

// lost reports whether a request was cancelled because the view is not valid any
// more.
func (v view) lost(err error) bool { return v.waited && err != nil && v.valid.Err() != nil }

// pause returns how long the next request waits because the view is not valid.
func (v view) pause() time.Duration {
	if v.valid == nil || v.valid.Err() == nil {
		return 0
	}
	return unconfirmed + rand.N(unconfirmed)
}
