package requester

import (
	"context"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/consul/fetch"
)

// A witness finds out that the servers cannot be reached, or do not know the
// token. Blocking queries for the instances of a service do not: the agent
// answers them from what a server told it before. While the witness fails, such
// queries do not wait for news, and are put plainly.
type witness struct {
	mu     sync.Mutex
	valid  context.Context // ends when the witness fails
	cancel context.CancelFunc
}

// unconfirmed is how long after an answer the next plain request follows while
// the witness fails, at random up to twice that.
const unconfirmed = 2 * time.Second

// Witness has the agent's witness ask until ctx ends. It is needed as long as there
// are requesters with Witnessed set.
func (a *Agent) Witness(ctx context.Context) {
	k := &Requester{
		Agent: a, Query: watch.Query{Kind: watch.NodeList}, Kind: fetch.Kind{Fetch: a.Client.Witness, Polled: true},
		To: &a.witness, Shared: true, Pause: a.Options.PollInterval,
	}
	k.Keep(ctx)
}

// Take implements Receiver.
func (w *witness) Take(fetch.Reply) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.valid == nil || w.valid.Err() != nil {
		w.valid, w.cancel = context.WithCancel(context.Background())
	}
	return false
}

// Failed implements Receiver.
func (w *witness) Failed(*watch.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel()
}

// view returns what ends when the agent's view of a service is not valid any more.
func (w *witness) view() context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.valid
}
