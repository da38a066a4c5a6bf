package discovery

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// assign decides what is held and what is swept. A node takes about twice as
// long to read as a service.
func (d *Discovery) assign(now time.Time) {
	nodes, queries := len(d.nodes)-d.room, len(d.queries)-d.room
	byQuery := d.byQuery
	switch {
	case nodes <= 0:
		byQuery = false
	case 2*nodes > queries+queries/4:
		byQuery = true
	case 2*nodes < queries-queries/4:
		byQuery = false
	}
	if partial := nodes > 0; partial != d.partial || byQuery != d.byQuery {
		if partial != d.partial {
			s := Source{Kind: Services}
			d.moves = append(d.moves, Move{s, partial})
			delete(d.failing, s)
			delete(d.replies, Services)
		}
		d.partial, d.byQuery = partial, byQuery
		d.sweep.hint = d.tick(now)
	}
	d.fill(d.nodes, Node)
	d.fill(d.queries, Query)
	swept := nodes
	if byQuery {
		swept = queries
	}
	rate := min(max(float64(swept)/turn.Seconds(), leastRate), mostRate)
	d.sweep.bucket.interval = time.Duration(float64(time.Second) / rate)
	d.sweep.bucket.burst = min(max(swept, leastBurst), mostBurst)
}

// fill has as many of the units held as there is room for: those that changed
// last.
func (d *Discovery) fill(all units, kind Kind) {
	room := min(d.roomFor(kind), len(all))
	if d.holding[kind] == room {
		return
	}
	list := slices.SortedFunc(maps.Values(all), func(a, b *unit) int {
		if a.held != b.held && a.changed.Equal(b.changed) {
			if a.held {
				return -1
			}
			return 1
		}
		return cmp.Or(b.changed.Compare(a.changed), cmp.Compare(a.source.Name, b.source.Name))
	})
	for _, u := range list[room:] {
		d.hold(u, false)
	}
	for _, u := range list[:room] {
		d.hold(u, true)
	}
}

// hold changes whether u has a blocking query. What no longer has one counts as
// not read since the last hint.
func (d *Discovery) hold(u *unit, hold bool) {
	if u.held == hold {
		return
	}
	u.held, u.busy, u.read = hold, false, time.Time{}
	d.moves = append(d.moves, Move{u.source, hold})
	if hold {
		d.holding[u.source.Kind]++
		d.retry.Remove(u)
		d.sweep.remove(u)
		if u.source.Kind == Query {
			d.sweep.kept.Set(u, d.stamp)
		}
		return
	}
	d.holding[u.source.Kind]--
	delete(d.failing, u.source)
	delete(d.paces, u.source)
	d.sweep.kept.Remove(u)
	if u.gone {
		return
	}
	d.sweep.add(u)
	if u.source.Kind == Query {
		d.want(u)
	}
}

// roomFor returns how many units of a kind may be held now.
func (d *Discovery) roomFor(kind Kind) int {
	switch {
	case d.byQuery != (kind == Query):
		return 0
	case kind == Query && len(d.failing) > 0:
		return 0 // the agent's view of a service does not say that it is old
	default:
		return d.room
	}
}

// promote gives u, which has changed, a blocking query, if need be in place of
// one that has not changed for a while.
func (d *Discovery) promote(u *unit, now time.Time) {
	u.changed = now
	kind := u.source.Kind
	room := d.roomFor(kind)
	if u.held || u.gone || room == 0 {
		return
	}
	if d.holding[kind] >= room {
		last := d.leastChanged(kind)
		if now.Sub(last.changed) <= settled {
			return
		}
		d.hold(last, false)
	}
	d.hold(u, true)
}

// leastChanged returns the unit that is held and has not changed for longest.
func (d *Discovery) leastChanged(kind Kind) (last *unit) {
	all := d.nodes
	if kind == Query {
		all = d.queries
	}
	for _, u := range all {
		if u.held && (last == nil || u.changed.Before(last.changed)) {
			last = u
		}
	}
	return last
}
