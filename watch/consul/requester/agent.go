package requester

import (
	"fmt"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
)

// Feedback is told what the agent makes of the number of requests. Its methods may
// be called from any goroutine, and return at once.
type Feedback interface {
	Refused() // the agent refused a request, for there are too many
	HTTP1()   // the agent does not speak HTTP/2; it is told once
}

// An Agent is what the requesters of one Consul agent share.
type Agent struct {
	Client   *client.Client
	Options  Options
	feedback Feedback
	reach    *breaker // the agent itself
	witness  witness
	http1    sync.Once

	mu      sync.Mutex
	servers map[string]*breaker // the servers, by datacenter, once they have failed
	longest time.Duration       // a request that waits for longer is cut; zero: none is
	told    map[watch.Kind]bool // the kinds of query of which it was told that something is left out
}

// NewAgent returns the agent that c reaches. The options are filled.
func NewAgent(c *client.Client, o Options, f Feedback) *Agent {
	a := &Agent{
		Client: c, Options: o, feedback: f, reach: newBreaker(o.Retry),
		servers: make(map[string]*breaker), told: make(map[watch.Kind]bool),
	}
	a.witness.Take(fetch.Reply{})
	return a
}

// serversOf returns the circuit breaker of a datacenter's servers; "" is the
// agent's own.
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

// wasCut notes that a request which waited for so long was cut, as the one before.
func (a *Agent) wasCut(after time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	wait := (after * 3 / 4).Truncate(time.Second)
	if a.longest == 0 || a.longest > wait {
		a.longest = wait
		a.Options.Notice(fmt.Errorf("consul: a proxy before it cuts requests that wait for longer than %v (asking for %v from now on; set block_query_wait to less than %[1]v)", after.Round(time.Second), wait))
	}
}

// brief is how long an agent holds a request that many queries share. It goes
// on to hold and count one whose client has gone, which must not keep a program
// waiting that is started again.
const brief = 20 * time.Second

// wait returns how long the agent may hold a request; zero: as long as it likes.
func (a *Agent) wait(shared bool) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	most := a.Options.BlockQueryWait
	if shared && (most == 0 || most > brief) {
		most = brief
	}
	if a.longest > 0 && (most == 0 || most > a.longest) {
		most = a.longest
	}
	return most
}

// filtered notes that the first answer to a query may not be whole. It tells of
// the first query of a kind.
func (a *Agent) filtered(q watch.Query) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.told[q.Kind] {
		a.told[q.Kind] = true
		a.Options.Notice(fmt.Errorf("%s: Consul leaves out what the token may not read (the answer may be incomplete; the token needs %s)", q.Describe(false), rights(q)))
	}
}
