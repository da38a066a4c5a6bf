// Package requester asks an agent of Consul or Nomad queries, and decides what to make of
// each reply and of each failure.
//
// A [Requester] asks one query again and again: it holds a blocking query, which
// the agent answers when the data changes, or it reads when its owner calls Read. Its
// cursor, a plain value, decides which replies to believe: others are confirmed by
// a consistent read before the [Receiver] gets them.
//
// The requesters of one agent share an [Agent]. While the agent cannot be reached,
// one of them at a time tries, and the first reply lets all go on (see breaker). The
// same applies to a datacenter whose servers fail, among the queries that have
// failed there.
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

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/schedule"
)

const (
	// Pauses after replies without news, so that an agent that does not hold
	// requests is not asked as fast as it answers (COMPAT 4.10.1).
	minRound    = 100 * time.Millisecond // from one request to the next
	roundJitter = 20 * time.Millisecond  // at most that much more
	noIndex     = time.Second            // after a reply without an index, since the next request cannot wait

	// afterNews is the pause after a reply that brought news, so that the next
	// request does not compete with its use. After a request that took less there
	// is none: changes come fast, and the last of them must not wait.
	afterNews = 2 * time.Millisecond

	// viewWaits is after how many waits the servers are asked, and not the view of the
	// agent: a view may keep the rights that the token had when it began, if these
	// changed at that moment. That is rare, and each such request costs a server.
	viewWaits = 4

	agentWait    = 5 * time.Minute  // how long an agent holds a blocking query by default
	pollInterval = 15 * time.Second // between requests for what the agent cannot block on, such as datacenters
	probeConnect = 5 * time.Second  // limits a probe's connection, which a network may swallow
	leastCut     = 5 * time.Second  // the shortest wait after which a proxy cuts a request
	forever      = 365 * 24 * time.Hour
)

// A Receiver takes the results of a requester. Its methods are called by one
// goroutine at a time.
type Receiver interface {
	// Take takes a reply, and reports whether it differs from the one before.
	Take(blocking.Reply) (news bool)

	// Failed takes the error of a failed attempt.
	Failed(*watch.Error)
}

// A Requester asks an agent one query again and again. It belongs to one goroutine
// at a time.
type Requester struct {
	Agent *Agent
	Query watch.Query
	Kind  blocking.Kind
	To    Receiver

	Once         bool                           // no request waits for news; the caller of Read paces them
	Shared       bool                           // the query stands for many
	LeaderFirst  bool                           // a server that lags behind may not give the first reply, since another requester had newer ones
	NeedsWitness bool                           // the agent may answer from a view; the witness says whether that is valid
	Most         func() int64                   // the largest next reply, in bytes; nil, or 0: Options.MaxReply
	Pace         func(size int64) time.Duration // the pause after a reply of so many bytes; nil: as COMPAT 4.10.1 says
	Pause        time.Duration                  // before the next attempt
	FirstPause   time.Duration                  // after the first answer, or up to twice that; zero: Options.FirstPause. See Agent.turn

	cursor cursor
	known  bool // something was taken
	history
}

// A history is the state that results from the last attempts.
type history struct {
	failing  bool          // the receiver got a failure after what was taken last
	told     int           // the attempts that this failure has told of
	read     time.Time     // when the last reply came to a request that did not wait
	failures int           // failed attempts in a row that the agent has answered
	trouble  *breaker      // when it closes, the next attempt does not wait for the pause; nil: no breaker
	doubts   int           // replies in a row that were not believed at first, but for those of a stream that were right
	shrunk   bool          // a stream said that there is less, which is to be confirmed
	refused  bool          // the last request was, because there are too many
	cut      time.Duration // how long the last request waited when its connection was cut; zero: it was not
}

// Resume makes last, which another requester got for the same query, the reply that
// the next one is compared with.
func (k *Requester) Resume(last blocking.Reply) {
	k.known, k.cursor = true, cursor{size: sizeOf(last.Data), filtered: last.Filtered}
}

// Keep makes attempts until ctx ends.
func (k *Requester) Keep(ctx context.Context) {
	for k.attempt(ctx) == nil {
	}
}

// Read asks once, again while there are too many requests, and confirms at once a reply
// that it does not believe. It returns how many attempts in a row have failed by now, and
// how long to wait before the next call.
func (k *Requester) Read(ctx context.Context) (failures int, wait time.Duration) {
	for k.attempt(ctx) == nil && (k.refused || k.cursor.confirm && !k.failing) {
	}
	if k.failing {
		failures = max(1, k.failures)
	}
	wait, k.Pause = k.Pause, 0
	return failures, wait
}

// attempt waits until the next attempt may be made, and makes it. The error is that
// of ctx.
func (k *Requester) attempt(ctx context.Context) error {
	servers, agent, err := k.enter(ctx)
	if err != nil {
		return err
	}
	view := context.Background()
	if k.NeedsWitness {
		view = k.Agent.witness.view()
	}
	if agent.probe || view.Err() != nil {
		k.cursor = k.cursor.reset() // it must not wait for news
	}
	request, cancel := context.WithCancel(ctx)
	defer cancel()
	waits := k.cursor.index > 0
	if waits {
		defer context.AfterFunc(view, cancel)()
	}
	if k.FirstPause > 0 && !waits {
		defer k.Agent.turn(ctx)()
	}
	leave := k.Agent.throttle.enter(request, waits)
	start := time.Now()
	r, a, err := k.fetch(request, agent.probe)
	leave()
	took := time.Since(start)
	lost := waits && err != nil && view.Err() != nil
	if ctx.Err() != nil || lost || waits && k.wasCut(err, a, took) {
		agent.settle(unclear, nil)
		servers.settle(unclear, nil)
		k.cursor, k.Pause, k.trouble = k.cursor.reset(), rand.N(roundJitter), nil
		return ctx.Err()
	}
	ofAgent, ofServers := outcomes(k.Query, a, r, err)
	agent.settle(ofAgent, err)
	if ofServers == fails {
		servers.b = k.Agent.serversOf(k.Query.Datacenter) // this query shares their breaker now
	}
	servers.settle(ofServers, err)
	if a.HTTP1.Load() {
		k.Agent.http1.Do(func() { k.Agent.limited(HTTP1) })
	}
	if blocking.Status(err) == http.StatusForbidden && k.stale() {
		// A server that starts does not know the tokens yet.
		k.cursor, k.trouble = k.cursor.doubt(), nil
		k.doubted()
		return nil
	}
	if err != nil {
		k.failed(err, ofAgent, ofServers, start)
		return nil
	}
	k.answered(r, took, a.Size.Load())
	if view.Err() != nil && !k.cursor.confirm {
		k.Pause = max(k.Pause, unconfirmed+rand.N(unconfirmed))
	}
	return nil
}

// enter waits for the end of the pause, then until the agent can be reached.
func (k *Requester) enter(ctx context.Context) (servers, agent pass, err error) {
	if k.trouble != nil {
		servers, _ = k.trouble.enter(ctx, k.Pause, nil)
	} else if k.Pause > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(k.Pause):
		}
	}
	if err = ctx.Err(); err == nil {
		if !k.failing {
			k.failedElsewhere()
		}
		agent, err = k.Agent.breaker.enter(ctx, 0, k.failedElsewhere)
	}
	if err != nil {
		servers.settle(unclear, nil)
	}
	return servers, agent, err
}

// fetch puts the query to the agent, within limits. The agent adds up to a sixteenth,
// at random, to the wait of a blocking query.
func (k *Requester) fetch(ctx context.Context, probe bool) (reply, *blocking.Attempt, error) {
	wait := k.Agent.wait(k.Shared)
	a := &blocking.Attempt{Answer: blocking.Silence, Most: k.Agent.Options.MaxReply}
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
	fetched, err := k.Kind.Fetch(ctx, k.request(wait, a))
	if errors.Is(err, blocking.ErrTooMuch) && k.Most == nil {
		err = fmt.Errorf("%w: more than %d bytes (%s { max_reply_size = … })", blocking.ErrTooMuch, a.Most, k.Query.Store().Block())
	}
	if err != nil {
		return reply{}, a, explain(k.Query.Store(), err)
	}
	r := reply{Reply: fetched, size: sizeOf(fetched.Data), unindexed: k.Kind.Polled}
	switch {
	case k.cursor.confirm && r.Leader == blocking.NoLeader: // no server answers a consistent read so
		return reply{}, a, fmt.Errorf("the %s servers have no leader", k.Query.Kind.Store().Title())
	case k.cursor.confirm && r.Index == 0 && !r.unindexed:
		return reply{}, a, fmt.Errorf("what answered is not %s: there is no index (check the address)", k.Query.Kind.Store().Title())
	case !k.Shared && k.cursor.lacks(r):
		return reply{}, a, FilteredError{k.Query}
	}
	return r, a, nil
}

// explain adds to an error what to do about it.
func explain(store watch.Store, err error) error {
	text, status := err.Error(), blocking.Status(err)
	switch {
	case status == 0 && strings.Contains(text, "invalid character '<'"):
		return fmt.Errorf("what answered is not %s: it sent a web page (check the address)", store.Title())
	case status == http.StatusBadRequest && strings.Contains(text, "HTTP request to an HTTPS server"):
		return fmt.Errorf("%w (use https:// in the address, or the port for http)", err)
	case status == http.StatusForbidden && strings.Contains(text, "ACL not found"):
		return fmt.Errorf("%w (Consul does not know the token: set %s { token = … } to one that it knows)", err, store.Block())
	}
	return err
}

// request returns the next request, which the agent may hold for wait.
func (k *Requester) request(wait time.Duration, a *blocking.Attempt) blocking.Request {
	o := blocking.Request{Query: k.Query, RequireConsistent: k.cursor.confirm, Attempt: a}
	if !k.Kind.Polled && !k.Once {
		o.AllowStale = k.stale()
		o.WaitIndex = k.cursor.index
		o.WaitTime = wait
		if wait >= 16 {
			o.WaitTime -= rand.N(wait / 16)
		}
	}
	return o
}

// stale reports whether any server may answer the next request.
func (k *Requester) stale() bool {
	return !k.Kind.Polled && !k.Once && k.Agent.Options.MaxStale > 0 && !k.cursor.leader && !k.cursor.confirm && (k.known || !k.LeaderFirst)
}

// wasCut reports whether a proxy may have cut a request that waited for news. The
// next attempt is made at once: if it fails too, there was another reason. If a request
// is cut twice after the same time, the agent asks for shorter waits.
func (k *Requester) wasCut(err error, a *blocking.Attempt, took time.Duration) bool {
	status := blocking.Status(err)
	broken := status == 0 && !a.Reached.Load() && !errors.Is(err, blocking.ErrNoAnswer)
	if err == nil || took < leastCut || !broken && status != http.StatusBadGateway && status != http.StatusGatewayTimeout {
		return false
	}
	if d := took - k.cut; k.cut > 0 && d.Abs() < took/8 {
		k.Agent.wasCut(k.Query.Store(), took)
	}
	k.cut = took
	return true
}

// answered takes a reply, and sets the pause before the next attempt.
func (k *Requester) answered(r reply, took time.Duration, size int64) {
	o := &k.Agent.Options
	k.failures, k.trouble, k.refused, k.Pause = 0, nil, false, 0
	first, confirmed, waited := !k.known, k.cursor.confirm, k.cursor.index > 0
	// With the index that was waited for, only rights may be new: they have no index, and
	// Nomad does not say what it leaves out.
	timedOut := r.Index == k.cursor.index && r.Index != 0 && !r.Filtered && !k.cursor.filtered && k.Query.Kind.Store() != watch.Nomad
	before, shrunk := k.cursor.size, k.shrunk
	var believed bool
	if k.cursor, believed = k.cursor.take(r, o.MaxStale); !believed {
		k.shrunk = r.Leader == blocking.FromStream && r.size < before
		k.doubted()
		return
	}
	r.Filtered = k.cursor.filtered
	if k.shrunk = false; !confirmed || shrunk && r.size < before {
		k.doubts = 0
	}
	if first && r.Filtered && !k.Shared {
		k.Agent.filtered(k.Query)
	}
	news := false
	if !timedOut {
		k.known, k.failing = true, false
		news = k.To.Take(r.Reply)
	}
	switch {
	case !waited:
		k.read = time.Now()
	case r.Leader == blocking.FromStream && time.Since(k.read) > viewWaits*cmp.Or(k.Agent.wait(k.Shared), agentWait):
		k.cursor = k.cursor.reset()
	}
	switch {
	case k.Once:
		k.cursor = k.cursor.reset()
	case k.Kind.Polled:
		k.Pause = pollInterval
	case r.Index == 0:
		k.Pause = noIndex
	case k.Pace != nil:
		if k.Pause = k.Pace(size); first {
			k.Pause = max(k.Pause, o.FirstPause)
		}
	case first:
		k.Pause = max(afterNews, o.FirstPause, k.FirstPause+rand.N(k.FirstPause+1))
	case news:
		if took >= afterNews {
			k.Pause = afterNews
		}
		runtime.Gosched() // the consumer of the news goes on at once
	case took < minRound:
		k.Pause = minRound - took + rand.N(roundJitter)
	}
}

// doubted sets the pause before a reply is confirmed that was not believed. The first doubt
// is settled at once, but a server whose replies are always doubtful is not asked as fast as
// it answers.
func (k *Requester) doubted() {
	k.Pause = 0
	if k.doubts++; k.doubts > 1 {
		k.Pause = k.Agent.Options.Retry.Delay(k.doubts - 1)
	}
}

// failed reports a failed attempt, and sets the pause before the next one.
func (k *Requester) failed(err error, agent, servers outcome, began time.Time) {
	e := &watch.Error{
		Query:      k.Query,
		Class:      schedule.ClassOf(blocking.Status(err)),
		RetryAfter: blocking.RetryAfter(err),
		Err:        k.Agent.Client.Clean(err),
		All:        concernsAll(k.Query, err),
	}
	if errors.As(err, new(FilteredError)) {
		e.Class = watch.Denied
	}
	tooMany := blocking.Status(err) == http.StatusTooManyRequests
	k.refused = tooMany && e.RetryAfter == 0
	switch {
	case tooMany:
		e.Attempts = k.Agent.throttle.refuse(began)
	case agent == fails:
		e.Attempts, _ = k.Agent.breaker.failed() // of all queries
	}
	k.Pause, k.trouble, k.cut = 0, nil, 0
	k.fail(e)
	if tooMany {
		k.Agent.limited(TooManyRequests)
	}
	if agent == fails || k.refused {
		return // the agent's breaker, or throttle, paces the attempts
	}
	k.failures++
	retry := k.Agent.Options.Retry
	k.Pause = retry.After(k.failures, e.RetryAfter)
	switch shared := servers == fails && e.RetryAfter == 0; {
	case retry.Spent(k.failures):
		k.Pause = forever // whoever counts the attempts ends the run
	case shared && (k.Once || retry.Attempts != 0): // counted attempts are this query's own
		k.Pause = retry.Probes().Delay(k.failures)
	case shared:
		// Other queries try too. The pause, between half of Retry.Max and all of it,
		// is for trouble that this query has alone.
		longest := cmp.Or(retry.Max, time.Minute)
		k.trouble, k.Pause = k.Agent.serversOf(k.Query.Datacenter), longest-rand.N(longest/2+1)
	}
}

// failedElsewhere reports that requests of others, such as the witness, do not reach the agent,
// and how many attempts that makes.
func (k *Requester) failedElsewhere() {
	if attempts, why := k.Agent.breaker.failed(); why != nil && !(k.failing && k.told == attempts) {
		k.fail(&watch.Error{Query: k.Query, Err: k.Agent.Client.Clean(why), Attempts: attempts})
	}
}

// fail reports a failure. The next request does not wait for news: its reply shows
// whether the failure is over.
func (k *Requester) fail(err *watch.Error) {
	k.failing, k.told, k.cursor = true, err.Attempts, k.cursor.reset()
	k.To.Failed(err)
}
