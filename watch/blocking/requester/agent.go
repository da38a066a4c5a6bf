package requester

import (
	"context"
	"fmt"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/blocking"
)

// A Limit is a reason to have fewer requests under way.
type Limit string

const (
	TooManyRequests Limit = "429"
	HTTP1           Limit = "no HTTP/2" // reported once
)

// An Agent is the state that the requesters of one Consul agent share.
type Agent struct {
	Client   *blocking.Client
	Options  Options
	limited  func(Limit)
	breaker  *breaker // of the agent itself
	throttle throttle
	witness  witness
	http1    sync.Once
	turns    chan struct{} // has one for each turn that is taken

	mu      sync.Mutex
	servers map[string]*breaker // of the servers of datacenters that have failed
	longest time.Duration       // the longest wait that no proxy cuts; zero: any
	noticed map[watch.Kind]bool // kinds of query with a notice that something is left out
}

// NewAgent returns the agent that c reaches. The options are those of [Options.Filled].
// limited may be called from any goroutine, and must return at once.
func NewAgent(c *blocking.Client, o Options, limited func(Limit)) *Agent {
	a := &Agent{
		Client: c, Options: o, limited: limited, breaker: newBreaker(o.Retry), throttle: throttle{retry: o.Retry.Probes(), turn: make(chan struct{}, 1)},
		turns: make(chan struct{}, turns), servers: make(map[string]*breaker), noticed: make(map[watch.Kind]bool),
	}
	a.witness.Take(blocking.Reply{})
	return a
}

const (
	turns    = 16                     // attempts of many queries at a time
	turnWait = 500 * time.Millisecond // others may be slow, for example in another datacenter
)

// turn waits for the turn of one of many queries that begin at the same time, those with a
// FirstPause, to make an attempt that does not wait for news, and returns how to end the
// turn. So a few connections have the answers of all, and then each needs one of its own.
func (a *Agent) turn(ctx context.Context) (end func()) {
	select {
	case a.turns <- struct{}{}:
		return func() { <-a.turns }
	case <-time.After(turnWait):
	case <-ctx.Done():
	}
	return func() {}
}

// serversOf returns the circuit breaker of a datacenter's servers; "" is the
// agent's own datacenter.
func (a *Agent) serversOf(datacenter string) *breaker {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.servers[datacenter]
	if b == nil {
		b = newBreaker(a.Options.Retry)
		a.servers[datacenter] = b
	}
	return b
}

// wasCut notes that two requests in a row to the store were cut after that time.
func (a *Agent) wasCut(store watch.Store, after time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	wait := (after * 3 / 4).Truncate(time.Second)
	if a.longest == 0 || a.longest > wait {
		a.longest = wait
		a.Options.Notice(fmt.Errorf("%s: a proxy in front of it cuts requests that wait longer than %v (requests wait %v from now on; set block_query_wait to less than %[2]v)", store, after.Round(time.Second), wait))
	}
}

// sharedWait is how long an agent holds a shared request. It goes on to hold and count one
// whose client has gone, which must not delay a program that is started again.
const sharedWait = 20 * time.Second

// wait returns how long the agent may hold a request; zero: its default.
func (a *Agent) wait(shared bool) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	most := a.Options.BlockQueryWait
	if shared && (most == 0 || most > sharedWait) {
		most = sharedWait
	}
	if a.longest > 0 && (most == 0 || most > a.longest) {
		most = a.longest
	}
	return most
}

// filtered notes that the first answer to a query may be incomplete. There is one
// notice for each kind of query.
func (a *Agent) filtered(q watch.Query) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.noticed[q.Kind] {
		a.noticed[q.Kind] = true
		a.Options.Notice(fmt.Errorf("%s: %s", q.Describe(false), Partial(q, blocking.Reply{Filtered: true})))
	}
}

// A witness finds out that the servers cannot be reached, or do not know the
// token. Blocking queries for a service do not: the agent answers them from a view
// of what a server sent before. While the witness fails, such queries do not wait for
// news, so that the servers answer them.
type witness struct {
	mu     sync.Mutex
	valid  context.Context // ends when the witness fails
	cancel context.CancelFunc
}

// unconfirmed is the pause after an answer while the witness fails, at random up to
// twice that.
const unconfirmed = 2 * time.Second

// Witness runs the agent's witness until ctx ends. Requesters with NeedsWitness set need
// it. ask asks for as little as shows that the servers can be reached and know the token.
func (a *Agent) Witness(ctx context.Context, ask blocking.Func) {
	k := &Requester{
		Agent: a, Query: watch.Query{Kind: watch.NodeList}, Kind: blocking.Kind{Fetch: ask, Polled: true},
		To: &a.witness, Shared: true, Pause: pollInterval,
	}
	k.Keep(ctx)
}

// Take implements Receiver.
func (w *witness) Take(blocking.Reply) bool {
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

// view returns a context that ends when the agent's views are no longer valid.
func (w *witness) view() context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.valid
}
