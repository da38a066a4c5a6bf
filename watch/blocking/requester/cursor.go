package requester

import (
	"reflect"
	"time"

	"restencil/watch"
	"restencil/watch/blocking"
)

// A cursor is the position of a query. It is a plain value.
type cursor struct {
	index   uint64 // the agent waits for something newer; 0: it answers at once
	leader  bool   // only the leader may answer
	confirm bool   // the next request is a consistent read

	// The last reply that was believed.
	seen     uint64 // its index
	size     int    // see sizeOf
	filtered bool   // something was left out of it
}

// take returns the position after a reply, and whether the reply is believed; if not,
// the leader is asked at once. maxStale is as in Options.
//
// A server that knows no leader may lack what the others have. An index that
// went backwards means that the server has lost its data, was restored, or lags
// behind the one that answered before. A reply without index or content may be from
// something that is not Consul. All these are confirmed by a consistent read.
func (c cursor) take(r reply, maxStale time.Duration) (next cursor, believed bool) {
	taken := cursor{index: r.Index, seen: r.Index, size: r.size, filtered: r.Filtered}
	if r.Leader == blocking.FromStream {
		taken.filtered = c.filtered // such a reply does not say
	}
	switch {
	case c.confirm:
		return taken, true
	case r.Leader == blocking.NoLeader,
		r.Leader == blocking.FromStream && r.size < c.size,
		r.Index < c.seen,
		r.Index == 0 && r.size == 0 && !r.unindexed:
		return c.doubt(), false
	case maxStale > 0 && !c.leader && r.Contact > maxStale:
		c.leader = true
		return c, false
	}
	return taken, true
}

// doubt returns c with a consistent read to come, which confirms what was said last.
func (c cursor) doubt() cursor {
	c = c.reset()
	c.confirm = true
	return c
}

// reset returns c without an index, so that the agent answers at once.
func (c cursor) reset() cursor {
	c.index, c.leader = 0, false
	return c
}

// lacks reports whether r has less than the last reply because the token may no longer
// read all of it. If something was left out before, too, less may be the truth; but not
// nothing: then there would be nothing to leave out.
func (c cursor) lacks(r reply) bool {
	return r.Filtered && r.size < c.size && (!c.filtered || r.size == 0)
}

// A reply is a reply of the agent with what decides whether it is believed.
type reply struct {
	blocking.Reply
	size      int  // see sizeOf
	unindexed bool // a reply of this kind has no index
}

// sizeOf returns the number of elements of a list, of a node and its services, 0
// for nothing, else 1.
func sizeOf(data any) int {
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
