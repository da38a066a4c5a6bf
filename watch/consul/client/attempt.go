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

// An Attempt is what the transport and the loop tell each other about one
// attempt to answer a query, which may take several requests.
type Attempt struct {
	// Connect limits the time until there is a connection; zero: no limit
	// but the transport's own.
	Connect time.Duration

	// Answer limits the time from then until a reply begins.
	Answer time.Duration

	// Most limits the size of a reply, in bytes; zero: no limit.
	Most int64

	Private bool // the URL may hold a secret, and is not logged

	HTTP1      atomic.Bool  // the reply came over HTTP/1
	Sent       atomic.Bool  // a request has been sent, or it was tried
	Reached    atomic.Bool  // a reply has begun
	Leader     atomic.Int32 // what replies say of the leader, a Leadership
	RetryAfter atomic.Int64 // what a 429 or 503 asks for, a time.Duration
	Size       atomic.Int64 // how much of replies was read, in bytes
}

type attemptKey struct{}

// Context returns ctx for the requests of the attempt.
func (a *Attempt) Context(ctx context.Context) context.Context {
	return context.WithValue(transport.Private(ctx, a.Private), attemptKey{}, a)
}

func (a *Attempt) note(resp *http.Response) {
	a.Reached.Store(true)
	a.HTTP1.Store(resp.ProtoMajor == 1)
	if resp.Header.Get("X-Consul-KnownLeader") == "false" {
		a.Leader.Store(int32(Unled))
		if resp.Header.Get("X-Consul-Query-Backend") == "streaming" {
			a.Leader.Store(int32(Streamed))
		}
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		a.RetryAfter.Store(int64(schedule.RetryAfter(resp.Header, time.Now())))
	}
}

// A Leadership is what a reply says of the leader.
type Leadership int

// What a reply says of the leader.
const (
	Led   Leadership = iota // there is one, or the reply does not say
	Unled                   // there is none

	// The agent has answered from a stream of changes that it follows. Such
	// a reply always says that there is no leader, and means nothing by it.
	Streamed
)

// ErrTooMuch is why a reply is not read to its end.
var ErrTooMuch = errors.New("the reply is too large")
