package consul

import (
	"errors"
	"reflect"
	"time"
)

// A cursor is where a query stands. It is a plain value.
type cursor struct {
	index   uint64 // the agent waits for something newer; 0: it answers at once
	leader  bool   // only the leader may answer
	confirm bool   // only a leader that is sure to be one may: a consistent read

	// What was taken last.
	seen uint64 // its index
	size int    // its size
}

// A finding is what a reply means for the watcher of its query.
type finding int

const (
	unchanged finding = iota // as before
	changed                  // there may be something new
	doubtful                 // not to be used; the leader is to be asked at once
)

// take returns what a reply means, and where the query stands after it.
// maxStale is as in Options.
//
// A server that knows no leader may lack what the others have. An index that
// went backwards says that the server has lost its data, was restored, or lags
// behind the one that answered before. And no server of Consul's answers
// without an index: who does, and has nothing to tell, may be something else.
// None of them is believed, but the leader is asked, which makes sure first
// that it still is one. What it says then stands, if it comes with an index.
func (c cursor) take(r reply, maxStale time.Duration) (finding, cursor) {
	taken := cursor{index: r.index, seen: r.index, size: r.size}
	stale := maxStale > 0 && !c.leader
	switch {
	case c.confirm:
		return changed, taken
	case r.dubious(c):
		return doubtful, cursor{confirm: true, seen: c.seen, size: c.size}
	case stale && r.contact > maxStale:
		return doubtful, cursor{index: c.index, leader: true, seen: c.seen, size: c.size}
	case r.index == c.index && r.index != 0:
		return unchanged, taken
	default:
		return changed, taken
	}
}

// anew returns the cursor of a query that is to be answered at once. What is
// in doubt stays so.
func (c cursor) anew() cursor {
	return cursor{confirm: c.confirm, seen: c.seen, size: c.size}
}

// A reply is what the agent said to a query.
type reply struct {
	data    any
	index   uint64        // to wait on; 0 where there is none
	contact time.Duration // since the server that answered heard from its leader
	leader  leadership    // what the server knows of its leader
	size    int           // how much there is in data; see sizeOfAny
	bare    bool          // a reply of this kind has no index

	filtered bool // something was left out that the token may not see
}

// dubious tells whether r is not to be believed by itself, after what c knows.
func (r reply) dubious(c cursor) bool {
	return r.leader == unled ||
		r.leader == streamed && r.size < c.size ||
		r.index < c.seen ||
		r.index == 0 && r.size == 0 && !r.bare
}

// A leadership is what a reply says of the leader.
type leadership int

const (
	led   leadership = iota // there is one, or the reply does not say
	unled                   // there is none

	// The agent has answered from a stream of changes that it follows. Such
	// a reply always says that there is no leader, and means nothing by it.
	streamed
)

// errLeaderless says that a consistent read was answered by a server that says
// that it has no leader. None of Consul's does that.
var errLeaderless = errors.New("the server that answered knows no leader")

// errIndexless says that a consistent read was answered without an index, as by
// something that stands where Consul should.
var errIndexless = errors.New("what answered is not Consul: there is no index")

// sizeOfAny returns how much there is in the data of a reply: elements of a
// list, 0 for nothing, else 1.
func sizeOfAny(data any) int {
	switch v := reflect.ValueOf(data); {
	case !v.IsValid():
		return 0
	case v.Kind() == reflect.Slice:
		return v.Len()
	default:
		return 1
	}
}
