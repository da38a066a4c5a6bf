package client

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"restencil/watch/schedule"
	"restencil/watch/transport"
)

// An Attempt is one attempt to answer a query, which may take several requests: their
// limits, and what the transport records of them.
type Attempt struct {
	Connect time.Duration // limits the time until there is a connection; zero: only the transport does
	Answer  time.Duration // limits the time from then until a reply begins
	Most    int64         // limits the size of a reply, in bytes; zero: no limit
	Private bool          // the URL may hold a secret, and is not logged

	HTTP1      atomic.Bool  // the reply came over HTTP/1
	Sent       atomic.Bool  // a request was begun
	Reached    atomic.Bool  // a reply has begun
	Leader     atomic.Int32 // a Leadership
	RetryAfter atomic.Int64 // a time.Duration, of a 429 or 503
	Size       atomic.Int64 // bytes of replies that were read
}

type attemptKey struct{}

// Context returns the context of the attempt's requests.
func (a *Attempt) Context(ctx context.Context) context.Context {
	return context.WithValue(transport.Private(ctx, a.Private), attemptKey{}, a)
}

func (a *Attempt) note(resp *http.Response) {
	a.Reached.Store(true)
	a.HTTP1.Store(resp.ProtoMajor == 1)
	if resp.Header.Get("X-Consul-KnownLeader") == "false" || resp.Header.Get("X-Nomad-KnownLeader") == "false" {
		a.Leader.Store(int32(NoLeader))
		if resp.Header.Get("X-Consul-Query-Backend") == "streaming" {
			a.Leader.Store(int32(FromStream))
		}
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		a.RetryAfter.Store(int64(schedule.RetryAfter(resp.Header, time.Now())))
	}
}

// A Leadership is what a reply says about the leader.
type Leadership int

const (
	HasLeader Leadership = iota // there is one, or the reply does not say
	NoLeader                    // there is none

	// FromStream: the agent answered from a view that it keeps by a stream of
	// changes. Such a reply always says that there is no leader, which means nothing.
	FromStream
)

// ErrTooMuch ends the reading of a reply that is larger than [Attempt.Most].
var ErrTooMuch = errors.New("the reply is too large")
