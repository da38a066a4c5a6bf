package consul

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
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

// A receiver takes what a keeper learns. Its methods are called by one
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

// A keeper keeps one query current. It belongs to one goroutine at a time.
type keeper struct {
	s      *Source
	query  watch.Query
	kind   kind
	to     receiver
	once   bool         // no request waits for news; whoever calls read knows when
	shared bool         // it stands for many queries
	most   func() int64 // how large the next reply may be, in bytes; nil, or 0: as it comes

	cursor  cursor
	known   bool // something has been taken
	failing bool // the receiver was told of a failure after that
	news    bool // the last reply differed from the one before

	// What the next attempt waits for: its own pause, cut short when others
	// find that the trouble (nil: none that is shared) is over.
	pause   time.Duration
	trouble *gate
	row     int // failed attempts in a row that the agent has answered
}

// keep asks until ctx ends.
func (k *keeper) keep(ctx context.Context) {
	for k.read(ctx) == nil {
	}
}

// read makes the next attempt, as soon as it may be made. The error is that of
// ctx.
func (k *keeper) read(ctx context.Context) error {
	shared, agent, err := k.enter(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	a := k.newAttempt(agent.probe)
	r, err := k.fetch(ctx, a)
	if ctx.Err() != nil {
		agent.settle(unclear, nil)
		shared.settle(unclear, nil)
		return ctx.Err()
	}
	agent.settle(a.outcome(), err)
	servers := a.serversOutcome(r, err)
	if servers == fails {
		shared.g = k.s.serversOf(k.query.Datacenter) // now it has met them
	}
	shared.settle(servers, err)
	if err != nil {
		k.failed(err, a)
	} else {
		k.answered(r, time.Since(start))
	}
	if a.http1.Load() {
		k.s.lessons.sawHTTP1()
	}
	return nil
}

// fetch puts the query to the agent.
func (k *keeper) fetch(ctx context.Context, a *attempt) (reply, error) {
	r, err := k.kind.fetch(k.s.client.Client, k.query, k.options(a.context(ctx)))
	if err != nil {
		return reply{}, err
	}
	r.leader = leadership(a.leader.Load())
	if r.leader == unled && k.cursor.confirm {
		return reply{}, errLeaderless
	}
	r.size, r.bare = sizeOfAny(r.data), k.kind.polled
	if k.cursor.confirm && r.index == 0 && !r.bare {
		return reply{}, errIndexless
	}
	return r, nil
}

// enter waits until the next attempt may be made: for its own turn after an
// answer or a failure, then for the agent to be there.
func (k *keeper) enter(ctx context.Context) (shared, agent pass, err error) {
	if k.trouble != nil {
		shared, err = k.trouble.enter(ctx, k.pause)
	} else {
		err = sleep(ctx, k.pause)
	}
	if err != nil {
		return pass{}, pass{}, err
	}
	if err := k.s.agent.down(); err != nil && !k.failing {
		// Others have found out; this query will not try until it may.
		k.fail(&watch.Error{Query: k.query, Err: k.s.clean(reason(err))})
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
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// newAttempt sets the limits of the next attempt. What may wait for news gets
// as long as the agent may take, which adds up to a sixteenth at random.
func (k *keeper) newAttempt(probe bool) *attempt {
	a := &attempt{answer: silence}
	if probe {
		a.connect = probeConnect
	}
	if k.most != nil {
		a.most = k.most()
	}
	if k.cursor.index > 0 {
		wait := k.s.options.BlockQueryWait
		if wait == 0 {
			wait = agentWait
		}
		a.answer += wait + wait/16
	}
	return a
}

// options returns how to put the query to the agent.
func (k *keeper) options(ctx context.Context) *api.QueryOptions {
	o := &api.QueryOptions{
		Datacenter:    k.query.Datacenter,
		Namespace:     k.query.Namespace,
		Partition:     k.query.Partition,
		Peer:          k.query.Peer,
		SamenessGroup: k.query.SamenessGroup,
		Near:          k.query.Near,
	}
	o.RequireConsistent = k.cursor.confirm
	if !k.kind.polled && !k.once {
		o.AllowStale = k.s.options.MaxStale > 0 && !k.cursor.leader && !k.cursor.confirm
		o.WaitIndex = k.cursor.index
		o.WaitTime = jittered(k.wait())
	}
	return o.WithContext(ctx)
}

// brief is how long an agent holds a request that many queries share. It goes
// on to hold and count one whose client has gone, which must not keep a program
// waiting that is started again.
const brief = 20 * time.Second

// wait returns how long the agent may hold the next request, 0 to leave it to
// the agent.
func (k *keeper) wait() time.Duration {
	most := k.s.options.BlockQueryWait
	if k.shared && (most == 0 || most > brief) {
		return brief
	}
	return most
}

// jittered returns d less up to a sixteenth.
func jittered(d time.Duration) time.Duration {
	if d < 16 {
		return d
	}
	return d - rand.N(d/16)
}

func (k *keeper) answered(r reply, took time.Duration) {
	k.row, k.trouble, k.pause = 0, nil, 0
	first := !k.known
	var f finding
	if f, k.cursor = k.cursor.take(r, k.s.options.MaxStale); f == doubtful {
		return
	}
	k.news = f == changed && k.take(r)
	switch {
	case k.once:
		k.cursor = k.cursor.anew()
	case k.kind.polled:
		k.pause = k.s.options.PollInterval
	case r.index == 0:
		k.pause = noIndex
	case first && !k.to.awaits():
		k.pause = max(afterNews, k.s.options.Unhurried)
	case k.news:
		if first || took >= afterNews {
			k.pause = afterNews
		}
		runtime.Gosched() // whoever waits for the news goes on at once
	case took < minRound:
		k.pause = minRound - took + rand.N(roundJitter)
	}
}

func (k *keeper) take(r reply) bool {
	recovered := k.failing
	k.known, k.failing = true, false
	return k.to.take(r, recovered)
}

// fail tells of a failure. The next request will ask for an answer at once,
// which says whether the failure is over.
func (k *keeper) fail(err *watch.Error) {
	k.failing, k.cursor = true, k.cursor.anew()
	k.to.failed(err)
}

// failed tells of a failed attempt, and sees to what the next one waits for.
func (k *keeper) failed(err error, a *attempt) {
	e := k.s.explain(k.query, err, a)
	k.pause, k.trouble = 0, nil
	k.fail(e)
	if statusOf(err) == http.StatusTooManyRequests {
		k.s.lessons.refused()
	}
	if a.outcome() == fails {
		return // the agent's gate says when
	}
	k.row++
	k.pause = delay(k.s.options.Retry, e, k.row)
	switch shared := a.serversOutcome(reply{}, err) == fails && e.RetryAfter == 0; {
	case shared && k.once:
		k.pause = probePace(k.s.options.Retry).Delay(k.row)
	case shared:
		// Others try too. Its own pace is for trouble that is its alone.
		k.trouble, k.pause = k.s.serversOf(k.query.Datacenter), slowest(k.s.options.Retry)
	}
}

// reason returns what was wrong with another query's request, without what is
// of that query alone: its URL.
func reason(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
