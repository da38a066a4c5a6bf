package blocking

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"restencil/watch/schedule"
)

// An Attempt is one attempt to answer a query, which may take several requests: their
// limits, and what was found out about the agent. The zero value has no limits.
type Attempt struct {
	Connect time.Duration // limits the time until there is a connection; zero: only the transport does
	Answer  time.Duration // limits the time from then until a reply begins; zero: no limit
	Most    int64         // limits the size of a reply, in bytes; zero: no limit

	HTTP1      atomic.Bool  // the reply came over HTTP/1
	Sent       atomic.Bool  // a request was begun
	Reached    atomic.Bool  // a reply has begun
	Leader     atomic.Int32 // a Leadership
	RetryAfter atomic.Int64 // a time.Duration, of a 429 or 503
	Size       atomic.Int64 // bytes of replies that were read
}

func (a *Attempt) note(resp *http.Response) {
	a.Reached.Store(true)
	a.HTTP1.Store(resp.ProtoMajor == 1)
	if header(resp, "X-Consul-Knownleader", "X-Nomad-Knownleader") == "false" {
		a.Leader.Store(int32(NoLeader))
		if header(resp, "X-Consul-Query-Backend") == "streaming" {
			a.Leader.Store(int32(FromStream))
		}
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		a.RetryAfter.Store(int64(schedule.RetryAfter(resp.Header, time.Now())))
	}
}

// header returns the first header with one of these names, which are in canonical form.
func header(resp *http.Response, names ...string) string {
	for _, name := range names {
		if values := resp.Header[name]; len(values) > 0 {
			return values[0]
		}
	}
	return ""
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
