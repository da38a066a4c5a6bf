package blocking

import (
	"cmp"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// An Attempt is one attempt to answer a query, which may take several requests: their
// limits, and what was found out about the agent. The zero value has no limits.
type Attempt struct {
	Connect time.Duration // limits the time until there is a connection; zero: only the transport does
	Answer  time.Duration // limits the time from then until a reply begins; zero: no limit
	Most    int64         // limits the size of a reply, in bytes; zero: no limit

	HTTP1   atomic.Bool  // the reply came over HTTP/1
	Reached atomic.Bool  // a reply has begun
	Size    atomic.Int64 // bytes of replies that were read
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

func leadership(h http.Header) Leadership {
	switch {
	case cmp.Or(h.Get("X-Consul-Knownleader"), h.Get("X-Nomad-Knownleader")) != "false":
		return HasLeader
	case h.Get("X-Consul-Query-Backend") == "streaming":
		return FromStream
	}
	return NoLeader
}

// ErrTooMuch ends the reading of a reply that is larger than [Attempt.Most].
var ErrTooMuch = errors.New("the reply is too large")
