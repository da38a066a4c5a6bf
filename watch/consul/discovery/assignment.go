package discovery

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// An assignment decides which sources are held, and which are swept.
type assignment struct {
	room    int // the most Node or Query sources that are held
	moves   []Move
	holding map[Kind]int // the numbers of nodes and queries that are held
	partial bool         // not all nodes fit: Services is held too, and the rest is swept
	byQuery bool         // queries are held and swept, in place of nodes
	failing map[Source]bool
	replies map[Kind]Reply // the newest to a shared query
	paces   map[Source]*bucket

	sameWarnings bool // the last reply for warning checks had no difference

	registry
}

// assign decides what is held and what is swept. Reading a node takes about twice as
// long as reading a service.
func (a *assignment) assign(now time.Time) {
	nodes, queries := len(a.nodes)-a.room, len(a.queries)-a.room
	byQuery := a.byQuery
	switch {
	case nodes <= 0:
		byQuery = false
	case 2*nodes > queries+queries/4:
		byQuery = true
	case 2*nodes < queries-queries/4:
		byQuery = false
	}
	if partial := nodes > 0; partial != a.partial || byQuery != a.byQuery {
		if partial != a.partial {
			s := Source{Kind: Services}
			a.moves = append(a.moves, Move{s, partial})
			delete(a.failing, s)
			delete(a.replies, Services)
		}
		a.partial, a.byQuery = partial, byQuery
		a.sweep.hint = a.tick(now)
	}
	a.fill(a.nodes, Node)
	a.fill(a.queries, Query)
	swept := nodes
	if byQuery {
		swept = queries
	}
	rate := min(max(float64(swept)/sweepTime.Seconds(), leastRate), mostRate)
	a.sweep.bucket.interval = time.Duration(float64(time.Second) / rate)
	a.sweep.bucket.burst = min(max(swept, leastBurst), mostBurst)
}

// fill holds as many targets as there is room for: those that changed last and, of others,
// those that are held without a failure, for longest.
func (a *assignment) fill(all targets, kind Kind) {
	room := min(a.roomFor(kind), len(all))
	if a.holding[kind] == room {
		return
	}
	rank := func(u *target) int64 {
		if !u.held || a.failing[u.source] {
			return math.MaxInt64
		}
		return u.read.UnixNano()
	}
	list := slices.SortedFunc(maps.Values(all), func(x, y *target) int {
		return cmp.Or(y.changed.Compare(x.changed), cmp.Compare(rank(x), rank(y)), cmp.Compare(x.source.Name, y.source.Name))
	})
	for _, u := range list[room:] {
		a.hold(u, false)
	}
	for _, u := range list[:room] {
		a.hold(u, true)
	}
}

// hold changes whether u has a blocking query. A target that loses it counts as never
// read.
func (a *assignment) hold(u *target, hold bool) {
	if u.held == hold {
		return
	}
	u.held, u.busy, u.read = hold, false, time.Time{}
	a.moves = append(a.moves, Move{u.source, hold})
	if hold {
		u.read = a.tick(a.stamp)
		a.holding[u.source.Kind]++
		a.retry.Remove(u)
		a.sweep.of(u).Remove(u)
		return
	}
	a.holding[u.source.Kind]--
	delete(a.failing, u.source)
	delete(a.paces, u.source)
	if u.gone {
		return
	}
	a.sweep.add(u)
	if u.source.Kind == Query {
		a.want(u)
	}
}

// roomFor returns the number of targets of a kind that may be held now.
func (a *assignment) roomFor(kind Kind) int {
	switch {
	case a.byQuery != (kind == Query):
		return 0
	case kind == Query && len(a.failing) > 0:
		return 0 // the agent may answer from an old view of a service
	default:
		return a.room
	}
}

// promote gives u, which has changed, a blocking query, if need be that of a target that
// has not changed for a while.
func (a *assignment) promote(u *target, now time.Time) {
	u.changed = now
	kind := u.source.Kind
	room := a.roomFor(kind)
	if u.held || u.gone || room == 0 {
		return
	}
	if a.holding[kind] >= room {
		all := a.nodes
		if kind == Query {
			all = a.queries
		}
		var last *target // that has not changed for longest
		for _, u := range all {
			if u.held && (last == nil || u.changed.Before(last.changed)) {
				last = u
			}
		}
		if now.Sub(last.changed) <= idleAfter {
			return
		}
		a.hold(last, false)
	}
	a.hold(u, true)
}

// retryLongest is longer than any delay after a failure.
const retryLongest = 24 * time.Hour

// recovered records that a source no longer fails.
func (a *assignment) recovered(s Source, now time.Time) {
	if !a.failing[s] {
		return
	}
	delete(a.failing, s)
	if len(a.failing) == 0 {
		a.wantAll(now.Add(retryLongest))
	}
	a.assign(now)
}
