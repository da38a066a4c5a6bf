package requester

import (
	"reflect"
	"time"

	"restencil/watch"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
)

// A cursor is where a query stands. It is a plain value.
type cursor struct {
	index   uint64 // the agent waits for something newer; 0: it answers at once
	leader  bool   // only the leader may answer
	confirm bool   // only a leader that is sure to be one may: a consistent read

	// What was taken last.
	seen     uint64 // its index
	size     int    // its size
	filtered bool   // something was left out of it
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
	taken := cursor{index: r.Index, seen: r.Index, size: r.size, filtered: r.Filtered}
	if r.leader == client.Streamed {
		taken.filtered = c.filtered // such a reply does not say
	}
	stale := maxStale > 0 && !c.leader
	switch {
	case c.confirm:
		return changed, taken
	case r.dubious(c):
		c.index, c.leader, c.confirm = 0, false, true
		return doubtful, c
	case stale && r.Contact > maxStale:
		c.leader = true
		return doubtful, c
	case r.Index == c.index && r.Index != 0 && !r.Filtered && !c.filtered:
		return unchanged, taken
	default:
		return changed, taken // rights may have come or gone, which does not move the index
	}
}

// anew returns the cursor of a query that is to be answered at once. What is
// in doubt stays so.
func (c cursor) anew() cursor {
	c.index, c.leader = 0, false
	return c
}

// lacks reports whether r holds less than the last reply did because the token
// may no longer read all of it. Where something was left out before, too, less
// may be the truth; but not nothing: then there would be nothing to leave out.
func (c cursor) lacks(r reply) bool {
	return r.Filtered && r.size < c.size && (!c.filtered || r.size == 0)
}

// A reply is what the agent said to a query, and what is to be made of it.
type reply struct {
	fetch.Reply
	leader client.Leadership // what the server knows of its leader
	size   int               // how much there is in Data; see sizeOfAny
	bare   bool              // a reply of this kind has no index
}

// dubious tells whether r is not to be believed by itself, after what c knows.
func (r reply) dubious(c cursor) bool {
	return r.leader == client.Unled ||
		r.leader == client.Streamed && r.size < c.size ||
		r.Index < c.seen ||
		r.Index == 0 && r.size == 0 && !r.bare
}

// sizeOfAny returns how much there is in the data of a reply: elements of a
// list, a node and its services, 0 for nothing, else 1.
func sizeOfAny(data any) int {
	if n, ok := data.(*watch.CatalogNode); ok {
		if n.Node == nil {
			return 0
		}
		return 1 + len(n.Services)
	}
	switch v := reflect.ValueOf(data); {
	case !v.IsValid():
		return 0
	case v.Kind() == reflect.Slice:
		return v.Len()
	default:
		return 1
	}
}
