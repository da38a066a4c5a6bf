package consul

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
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

// A receiver takes what a requester learns. Its methods are called by one
// goroutine at a time.
type receiver interface {
	// take takes a reply that may differ from the last one, and tells whether
	// it does. Where recovered is set, failed was called after the last.
	take(r reply, recovered bool) (news bool)

	// failed takes why an attempt failed.
	failed(*watch.Error)

	// awaits tells whether what was taken leaves templates waiting for
	// something better.
	awaits() bool
}

// A requester asks the agent one query again and again. It belongs to one
// goroutine at a time.
type requester struct {
	s      *Source
	query  watch.Query
	kind   fetch.Kind
	to     receiver
	once   bool                           // no request waits for news; whoever calls read knows when
	shared bool                           // it stands for many queries
	most   func() int64                   // how large the next reply may be, in bytes; nil, or 0: Options.MaxReply
	pace   func(size int64) time.Duration // the pause after a reply of so many bytes; nil: as COMPAT 4.10.1 says

	cursor  cursor
	known   bool // something has been taken
	failing bool // the receiver was told of a failure after that
	waits
}

// Waits are what the next attempt waits for: its own pause, cut short when others
// find that the trouble (nil: none that is shared) is over.
type waits struct {
	pause   time.Duration
	trouble *breaker
	row     int           // failed attempts in a row that the agent has answered
	doubts  int           // replies in a row that were not believed at first
	cut     time.Duration // how long the last request waited when its connection was cut, zero: it was not
}

// keep asks until ctx ends.
func (k *requester) keep(ctx context.Context) {
	for k.read(ctx) == nil {
	}
}

// read makes the next attempt, as soon as it may be made. The error is that of
// ctx.
func (k *requester) read(ctx context.Context) error {
	shared, agent, err := k.enter(ctx)
	if err != nil {
		return err
	}
	request, view, release := k.join(ctx)
	defer release()
	start := time.Now()
	a := k.newAttempt(agent.probe)
	r, err := k.fetch(request, a)
	took := time.Since(start)
	if ctx.Err() != nil || view.lost(err) || k.wasCut(err, a, took) {
		agent.settle(unclear, nil)
		shared.settle(unclear, nil)
		k.cursor, k.pause, k.trouble = k.cursor.anew(), rand.N(roundJitter), nil
		return ctx.Err()
	}
	agent.settle(agentOutcome(a), err)
	servers := serversOutcome(a, r, err)
	if servers == fails {
		shared.b = k.s.serversOf(k.query.Datacenter) // now it has met them
	}
	shared.settle(servers, err)
	if err != nil {
		k.failed(err, a)
	} else {
		k.answered(r, took, a.Size.Load())
		if !k.cursor.confirm {
			k.pause = max(k.pause, view.pause())
		}
	}
	if a.HTTP1.Load() {
		k.s.feedback.sawHTTP1()
	}
	return nil
}

// fetch puts the query to the agent.
func (k *requester) fetch(ctx context.Context, a *client.Attempt) (reply, error) {
	fetched, err := k.kind.Fetch(k.s.client.Client, k.query, k.options(a.Context(ctx)))
	if errors.Is(err, client.ErrTooMuch) && k.most == nil {
		err = fmt.Errorf("%w: more than %d bytes (consul.max_reply_size)", client.ErrTooMuch, a.Most)
	}
	if err != nil {
		return reply{}, err
	}
	r := reply{Reply: fetched, leader: client.Leadership(a.Leader.Load()), size: sizeOfAny(fetched.Data), bare: k.kind.Polled}
	switch {
	case r.leader == client.Unled && k.cursor.confirm:
		return reply{}, errLeaderless
	case k.cursor.confirm && r.Index == 0 && !r.bare:
		return reply{}, errIndexless
	case !k.shared && k.cursor.lacks(r):
		return reply{}, filteredError{k.query}
	}
	return r, nil
}

// wasCut reports whether a proxy may have cut a request that waited for news. The
// next attempt, which is made at once, tells: if it fails too, there was another
// reason. A proxy does it again after the same time: then less is asked for.
func (k *requester) wasCut(err error, a *client.Attempt, took time.Duration) bool {
	status := fetch.Status(err)
	broken := status == 0 && !a.Reached.Load() && !errors.Is(err, fetch.ErrNoAnswer)
	if err == nil || k.cursor.index == 0 || took < leastCut || !broken && status != http.StatusBadGateway && status != http.StatusGatewayTimeout {
		return false
	}
	if d := took - k.cut; k.cut > 0 && d.Abs() < took/8 {
		k.s.feedback.wasCut(took)
	}
	k.cut = took
	return true
}

// leastCut is the shortest time after which a proxy cuts a request that waits.
const leastCut = 5 * time.Second

// enter waits until the next attempt may be made: for its own turn after an
// answer or a failure, then for the agent to be there.
func (k *requester) enter(ctx context.Context) (shared, agent pass, err error) {
	if k.trouble != nil {
		shared, err = k.trouble.enter(ctx, k.pause)
	} else {
		err = sleep(ctx, k.pause)
	}
	if err != nil {
		return pass{}, pass{}, err
	}
	if err := k.s.agent.err(); err != nil && !k.failing {
		// Others have found out; this query will not try until it may. The URL
		// is that of their query.
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		k.fail(&watch.Error{Query: k.query, Err: k.s.client.Clean(err)})
	}
	agent, err = k.s.agent.enter(ctx, 0)
	if err != nil {
		shared.settle(unclear, nil)
	}
	if agent.probe {
		k.cursor = k.cursor.anew() // the probe must not wait for news
	}
	return shared, agent, err
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

// newAttempt sets the limits of the next attempt. What may wait for news gets
// as long as the agent may take, which adds up to a sixteenth at random.
func (k *requester) newAttempt(probe bool) *client.Attempt {
	a := &client.Attempt{Answer: client.Silence, Most: k.s.options.MaxReply}
	if probe {
		a.Connect = probeConnect
	}
	if k.most != nil {
		a.Most = cmp.Or(k.most(), a.Most)
	}
	if k.cursor.index > 0 {
		wait := k.wait()
		if wait == 0 {
			wait = agentWait
		}
		a.Answer += wait + wait/16
	}
	return a
}

// options returns how to put the query to the agent.
func (k *requester) options(ctx context.Context) *api.QueryOptions {
	o := &api.QueryOptions{
		Datacenter:    k.query.Datacenter,
		Namespace:     k.query.Namespace,
		Partition:     k.query.Partition,
		Peer:          k.query.Peer,
		SamenessGroup: k.query.SamenessGroup,
		Near:          k.query.Near,
	}
	o.RequireConsistent = k.cursor.confirm
	if !k.kind.Polled && !k.once {
		o.AllowStale = k.s.options.MaxStale > 0 && !k.cursor.leader && !k.cursor.confirm
		o.WaitIndex = k.cursor.index
		o.WaitTime = k.wait()
		if o.WaitTime >= 16 {
			o.WaitTime -= rand.N(o.WaitTime / 16)
		}
	}
	return o.WithContext(ctx)
}

// brief is how long an agent holds a request that many queries share. It goes
// on to hold and count one whose client has gone, which must not keep a program
// waiting that is started again.
const brief = 20 * time.Second

// wait returns how long the agent may hold the next request, 0 to leave it to
// the agent.
func (k *requester) wait() time.Duration {
	most := k.s.options.BlockQueryWait
	if k.shared && (most == 0 || most > brief) {
		most = brief
	}
	if least := k.s.feedback.longestWait(); least > 0 && (most == 0 || most > least) {
		most = least
	}
	return most
}

func (k *requester) answered(r reply, took time.Duration, size int64) {
	k.row, k.trouble, k.pause = 0, nil, 0
	first, confirmed := !k.known, k.cursor.confirm
	var f finding
	if f, k.cursor = k.cursor.take(r, k.s.options.MaxStale); f == doubtful {
		// The first doubt is settled at once. A server whose replies are always
		// doubtful is not asked as fast as it answers.
		if k.doubts++; k.doubts > 1 {
			k.pause = k.s.options.Retry.Delay(k.doubts - 1)
		}
		return
	}
	if !confirmed {
		k.doubts = 0
	}
	if first && r.Filtered && !k.shared {
		k.s.feedback.filtered(k.query)
	}
	news := false
	if f == changed {
		recovered := k.failing
		k.known, k.failing = true, false
		news = k.to.take(r, recovered)
	}
	switch {
	case k.once:
		k.cursor = k.cursor.anew()
	case k.kind.Polled:
		k.pause = k.s.options.PollInterval
	case r.Index == 0:
		k.pause = noIndex
	case k.pace != nil:
		if k.pause = k.pace(size); first {
			k.pause = max(k.pause, k.s.options.Unhurried)
		}
	case first && !k.to.awaits():
		k.pause = max(afterNews, k.s.options.Unhurried)
	case news:
		if first || took >= afterNews {
			k.pause = afterNews
		}
		runtime.Gosched() // whoever waits for the news goes on at once
	case took < minRound:
		k.pause = minRound - took + rand.N(roundJitter)
	}
}

// fail tells of a failure. The next request will ask for an answer at once,
// which says whether the failure is over.
func (k *requester) fail(err *watch.Error) {
	k.failing, k.cursor = true, k.cursor.anew()
	k.to.failed(err)
}

// failed tells of a failed attempt, and sees to what the next one waits for.
func (k *requester) failed(err error, a *client.Attempt) {
	e := k.s.explain(k.query, err, a)
	if agentOutcome(a) == fails {
		e.Attempts = k.s.agent.failures() // whichever query made them
	}
	k.pause, k.trouble, k.cut = 0, nil, 0
	k.fail(e)
	if fetch.Status(err) == http.StatusTooManyRequests {
		k.s.feedback.refused()
	}
	if agentOutcome(a) == fails {
		return // the agent's breaker says when
	}
	k.row++
	retry := k.s.options.Retry
	k.pause = retry.After(k.row, e.RetryAfter)
	switch shared := serversOutcome(a, reply{}, err) == fails && e.RetryAfter == 0; {
	case retry.Spent(k.row):
		k.pause = forever
	case shared && (k.once || retry.Attempts != 0): // attempts that are counted are this query's own
		k.pause = retry.Probes().Delay(k.row)
	case shared:
		// Others try too. Its own pace is for trouble that is its alone: this is
		// at most Retry.Max, and at least half of it.
		longest := cmp.Or(retry.Max, time.Minute)
		k.trouble, k.pause = k.s.serversOf(k.query.Datacenter), longest-rand.N(longest/2+1)
	}
}

// forever is the pause after the last attempt: whoever counts them ends the run.
const forever = 365 * 24 * time.Hour
