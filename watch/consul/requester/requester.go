package requester

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
	"restencil/watch/schedule"
)

// The pauses between requests that bring nothing new. The agent's own waiting
// makes them rare; without them, an agent that answers at once for no reason
// would be asked as fast as it answers (COMPAT 4.10.1).
const (
	minRound    = 100 * time.Millisecond // from one request to the next
	roundJitter = 20 * time.Millisecond  // up to so much more
	noIndex     = time.Second            // where the reply has no index, so that the next request cannot wait
)

// afterNews is the pause after a reply that brought news: what is done with it,
// such as writing a file, goes first, and the next request does not compete.
// What changes meanwhile is in the next reply. After a reply that took less than
// this there is no pause: changes come fast, and the last of them must not wait.
const afterNews = 2 * time.Millisecond

// agentWait is how long an agent holds a blocking query that does not say.
const agentWait = 5 * time.Minute

// probeConnect is how long a probe waits for a connection. What comes back
// from a network that swallows packets is noticed by a new try sooner than by
// an old one.
const probeConnect = 5 * time.Second

// A Receiver takes what a requester learns. Its methods are called by one
// goroutine at a time.
type Receiver interface {
	// Take takes a reply that may differ from the last one, or follows a failure,
	// and tells whether it differs.
	Take(fetch.Reply) (news bool)

	// Failed takes why an attempt failed.
	Failed(*watch.Error)
}

// A Requester asks an agent one query again and again. It belongs to one goroutine
// at a time.
type Requester struct {
	Agent *Agent
	Query watch.Query
	Kind  fetch.Kind
	To    Receiver

	Once      bool                           // no request waits for news; whoever calls Read knows when
	Shared    bool                           // it stands for many queries
	Witnessed bool                           // the agent may answer from its view of a service: the witness says whether that is valid
	Most      func() int64                   // how large the next reply may be, in bytes; nil, or 0: Options.MaxReply
	Pace      func(size int64) time.Duration // the pause after a reply of so many bytes; nil: as COMPAT 4.10.1 says
	Awaits    func() bool                    // whether what was taken leaves templates waiting for something better; nil: it does not
	Pause     time.Duration                  // before the next attempt

	cursor  cursor
	known   bool      // something has been taken
	failing bool      // the receiver was told of a failure after that
	read    time.Time // when the last reply came that was not from the agent's view of a service
	recent
}

// Recent is what the last attempts have shown.
type recent struct {
	failures int           // failed attempts in a row that the agent has answered
	trouble  *breaker      // the next attempt is made before the pause is over when others find that this trouble is; nil: none is shared
	doubts   int           // replies in a row that were not believed at first
	cut      time.Duration // how long the last request waited when its connection was cut, zero: it was not
}

// Resume has the next reply compared with one that another requester has taken for
// the same query.
func (k *Requester) Resume(last fetch.Reply) {
	k.known, k.cursor = true, cursor{size: sizeOfAny(last.Data), filtered: last.Filtered}
}

// Keep asks until ctx ends.
func (k *Requester) Keep(ctx context.Context) {
	for k.attempt(ctx) == nil {
	}
}

// Read asks once. A reply that is not believed is confirmed at once. It returns how
// many attempts in a row have failed by now, and how long to wait before the next
// call.
func (k *Requester) Read(ctx context.Context) (failures int, wait time.Duration) {
	for k.attempt(ctx) == nil && k.cursor.confirm && !k.failing {
	}
	if k.failing {
		failures = max(1, k.failures)
	}
	wait, k.Pause = k.Pause, 0
	return failures, wait
}

// attempt makes the next attempt, as soon as it may be made. The error is that of
// ctx.
func (k *Requester) attempt(ctx context.Context) error {
	servers, agent, err := k.enter(ctx)
	if err != nil {
		return err
	}
	view := context.Background()
	if k.Witnessed {
		view = k.Agent.witness.view()
	}
	if agent.probe || view.Err() != nil {
		k.cursor = k.cursor.anew() // it must not wait for news
	}
	request, cancel := context.WithCancel(ctx)
	defer cancel()
	waits := k.cursor.index > 0
	if waits {
		defer context.AfterFunc(view, cancel)()
	}
	start := time.Now()
	r, a, err := k.fetch(request, agent.probe)
	took := time.Since(start)
	lost := waits && err != nil && view.Err() != nil
	if ctx.Err() != nil || lost || waits && k.wasCut(err, a, took) {
		agent.settle(unclear, nil)
		servers.settle(unclear, nil)
		k.cursor, k.Pause, k.trouble = k.cursor.anew(), rand.N(roundJitter), nil
		return ctx.Err()
	}
	ofAgent, ofServers := outcomes(a, r, err)
	agent.settle(ofAgent, err)
	if ofServers == fails {
		servers.b = k.Agent.serversOf(k.Query.Datacenter) // now it has met them
	}
	servers.settle(ofServers, err)
	if a.HTTP1.Load() {
		k.Agent.http1.Do(k.Agent.feedback.HTTP1)
	}
	if err != nil {
		k.failed(err, a, ofAgent, ofServers)
		return nil
	}
	k.answered(r, took, a.Size.Load())
	if view.Err() != nil && !k.cursor.confirm {
		k.Pause = max(k.Pause, unconfirmed+rand.N(unconfirmed))
	}
	return nil
}

// enter waits until the next attempt may be made: for its own turn after an
// answer or a failure, then for the agent to be there.
func (k *Requester) enter(ctx context.Context) (servers, agent pass, err error) {
	if k.trouble != nil {
		servers, err = k.trouble.enter(ctx, k.Pause)
	} else {
		err = sleep(ctx, k.Pause)
	}
	if err != nil {
		return pass{}, pass{}, err
	}
	if _, err := k.Agent.reach.failed(); err != nil && !k.failing {
		// Others have found out; this query will not try until it may.
		k.fail(&watch.Error{Query: k.Query, Err: k.Agent.Client.Clean(err)})
	}
	agent, err = k.Agent.reach.enter(ctx, 0)
	if err != nil {
		servers.settle(unclear, nil)
	}
	return servers, agent, err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// fetch puts the query to the agent, within limits. What may wait for news gets as
// long as the agent may take, which adds up to a sixteenth at random.
func (k *Requester) fetch(ctx context.Context, probe bool) (reply, *client.Attempt, error) {
	wait := k.Agent.wait(k.Shared)
	a := &client.Attempt{Answer: client.Silence, Most: k.Agent.Options.MaxReply, Private: k.Query.Private}
	if probe {
		a.Connect = probeConnect
	}
	if k.Most != nil {
		a.Most = cmp.Or(k.Most(), a.Most)
	}
	if k.cursor.index > 0 {
		longest := cmp.Or(wait, agentWait)
		a.Answer += longest + longest/16
	}
	fetched, err := k.Kind.Fetch(k.Query, k.options(wait).WithContext(a.Context(ctx)))
	if errors.Is(err, client.ErrTooMuch) && k.Most == nil {
		err = fmt.Errorf("%w: more than %d bytes (consul.max_reply_size)", client.ErrTooMuch, a.Most)
	}
	if err != nil {
		return reply{}, a, explain(err)
	}
	r := reply{Reply: fetched, leader: client.Leadership(a.Leader.Load()), size: sizeOfAny(fetched.Data), bare: k.Kind.Polled}
	switch {
	case k.cursor.confirm && r.leader == client.Unled: // no server of Consul's says that to a consistent read
		return reply{}, a, errors.New("the server that answered knows no leader")
	case k.cursor.confirm && r.Index == 0 && !r.bare: // something stands where Consul should
		return reply{}, a, errors.New("what answered is not Consul: there is no index (check the address)")
	case !k.Shared && k.cursor.lacks(r):
		return reply{}, a, FilteredError{k.Query}
	}
	return r, a, nil
}

// explain returns an error of the agent, or of what stands in its place, with what
// to do about it.
func explain(err error) error {
	text, status := err.Error(), fetch.Status(err)
	switch {
	case status == 0 && strings.Contains(text, "invalid character '<'"):
		return errors.New("what answered is not Consul: it sent a web page (check the address)")
	case status == http.StatusBadRequest && strings.Contains(text, "HTTP request to an HTTPS server"):
		return fmt.Errorf("%w (use https:// in the address, or the port for http)", err)
	case status == http.StatusForbidden && strings.Contains(text, "ACL not found"):
		return fmt.Errorf("%w (Consul does not know the token: set consul { token = … } to one that it knows)", err)
	}
	return err
}

// options returns how to put the query to the agent, which may hold it for so long.
func (k *Requester) options(wait time.Duration) *api.QueryOptions {
	o := &api.QueryOptions{
		Datacenter:        k.Query.Datacenter,
		Namespace:         k.Query.Namespace,
		Partition:         k.Query.Partition,
		Peer:              k.Query.Peer,
		SamenessGroup:     k.Query.SamenessGroup,
		Near:              k.Query.Near,
		RequireConsistent: k.cursor.confirm,
	}
	if !k.Kind.Polled && !k.Once {
		o.AllowStale = k.Agent.Options.MaxStale > 0 && !k.cursor.leader && !k.cursor.confirm
		o.WaitIndex = k.cursor.index
		o.WaitTime = wait
		if wait >= 16 {
			o.WaitTime -= rand.N(wait / 16)
		}
	}
	return o
}

// wasCut reports whether a proxy may have cut a request that waited for news. The
// next attempt, which is made at once, tells: if it fails too, there was another
// reason. A proxy does it again after the same time: then less is asked for.
func (k *Requester) wasCut(err error, a *client.Attempt, took time.Duration) bool {
	status := fetch.Status(err)
	broken := status == 0 && !a.Reached.Load() && !errors.Is(err, fetch.ErrNoAnswer)
	if err == nil || took < leastCut || !broken && status != http.StatusBadGateway && status != http.StatusGatewayTimeout {
		return false
	}
	if d := took - k.cut; k.cut > 0 && d.Abs() < took/8 {
		k.Agent.wasCut(took)
	}
	k.cut = took
	return true
}

// leastCut is the shortest time after which a proxy cuts a request that waits.
const leastCut = 5 * time.Second

// answered takes a reply, and sees to what the next attempt waits for.
func (k *Requester) answered(r reply, took time.Duration, size int64) {
	o := &k.Agent.Options
	k.failures, k.trouble, k.Pause = 0, nil, 0
	first, confirmed := !k.known, k.cursor.confirm
	var f finding
	if f, k.cursor = k.cursor.take(r, o.MaxStale); f == doubtful {
		// The first doubt is settled at once. A server whose replies are always
		// doubtful is not asked as fast as it answers.
		if k.doubts++; k.doubts > 1 {
			k.Pause = o.Retry.Delay(k.doubts - 1)
		}
		return
	}
	if !confirmed {
		k.doubts = 0
	}
	if first && r.Filtered && !k.Shared {
		k.Agent.filtered(k.Query)
	}
	news := false
	if f == changed {
		k.known, k.failing = true, false
		news = k.To.Take(r.Reply)
	}
	// The agent's view may have the rights that the token had when the view began: the
	// servers are asked now and then.
	if r.leader != client.Streamed {
		k.read = time.Now()
	} else if 2*time.Since(k.read) > cmp.Or(k.Agent.wait(k.Shared), agentWait) {
		k.cursor = k.cursor.anew()
	}
	switch {
	case k.Once:
		k.cursor = k.cursor.anew()
	case k.Kind.Polled:
		k.Pause = o.PollInterval
	case r.Index == 0:
		k.Pause = noIndex
	case k.Pace != nil:
		if k.Pause = k.Pace(size); first {
			k.Pause = max(k.Pause, o.Unhurried)
		}
	case first && (k.Awaits == nil || !k.Awaits()):
		k.Pause = max(afterNews, o.Unhurried)
	case news:
		if first || took >= afterNews {
			k.Pause = afterNews
		}
		runtime.Gosched() // whoever waits for the news goes on at once
	case took < minRound:
		k.Pause = minRound - took + rand.N(roundJitter)
	}
}

// failed tells of a failed attempt, and sees to what the next one waits for.
func (k *Requester) failed(err error, a *client.Attempt, agent, servers outcome) {
	e := &watch.Error{
		Query:      k.Query,
		Class:      schedule.ClassOf(fetch.Status(err)),
		RetryAfter: time.Duration(a.RetryAfter.Load()),
		Err:        k.Agent.Client.Clean(err),
		All:        concernsAll(k.Query, err),
	}
	if errors.As(err, new(FilteredError)) {
		e.Class = watch.Denied
	}
	if agent == fails {
		e.Attempts, _ = k.Agent.reach.failed() // whichever query made them
	}
	k.Pause, k.trouble, k.cut = 0, nil, 0
	k.fail(e)
	if fetch.Status(err) == http.StatusTooManyRequests {
		k.Agent.feedback.Refused()
	}
	if agent == fails {
		return // the agent's breaker says when
	}
	k.failures++
	retry := k.Agent.Options.Retry
	k.Pause = retry.After(k.failures, e.RetryAfter)
	switch shared := servers == fails && e.RetryAfter == 0; {
	case retry.Spent(k.failures):
		k.Pause = forever
	case shared && (k.Once || retry.Attempts != 0): // attempts that are counted are this query's own
		k.Pause = retry.Probes().Delay(k.failures)
	case shared:
		// Others try too. Its own pace is for trouble that is its alone: this is
		// at most Retry.Max, and at least half of it.
		longest := cmp.Or(retry.Max, time.Minute)
		k.trouble, k.Pause = k.Agent.serversOf(k.Query.Datacenter), longest-rand.N(longest/2+1)
	}
}

// fail tells of a failure. The next request will ask for an answer at once,
// which says whether the failure is over.
func (k *Requester) fail(err *watch.Error) {
	k.failing, k.cursor = true, k.cursor.anew()
	k.To.Failed(err)
}

// forever is the pause after the last attempt: whoever counts them ends the run.
const forever = 365 * 24 * time.Hour
