package discovery

import (
	"slices"
	"time"
)

// The rights of the token may change at any time, without a new index. What a list no
// longer shows for that reason is named as if it were gone; it is read, and the read
// fails. When a list shows again what it did not, changes may have been missed, so that
// everything starts anew.
//
// Rights may come and go between two replies of a list, which shows the same in both; so
// an answer is in doubt while it shows what a list does not. And a filtered answer may
// lack what it is named for, however new it is.

const (
	// A query whose answer shows a node or service that the list does not is read
	// again after listDelay: by then the list shows it, or it has gone, unless the
	// token lacks rights.
	listDelay = 2 * time.Second

	// A query whose answer is filtered is read again after renewal: by then every
	// blocking query had a reply.
	renewal = 25 * time.Second
)

// A doubt is why a query is read again though nothing names it.
type doubt struct {
	unlisted time.Time // since when its answers show what the lists do not; zero: they do not
	again    time.Time // when to read it again after a filtered answer; zero, or past: never
}

// scheduleDoubt schedules another read of a query if its answer is filtered, or shows
// what the lists do not.
func (d *Discovery) scheduleDoubt(u *target, a Answer, changed bool, now time.Time) {
	q := &u.doubt
	if a.Filtered && changed {
		q.again = now.Add(renewal)
	}
	at := q.again
	switch since := now.Sub(q.unlisted); {
	case u.held || d.listed(a): // a held query has replies of its own
		q.unlisted = time.Time{}
	case q.unlisted.IsZero():
		q.unlisted, at = now, now.Add(listDelay)
	default:
		if at = now.Add(max(since, listDelay)); since >= listDelay && !d.start.After(q.unlisted) {
			d.regained(now)
		}
	}
	if at.After(now) && !u.held {
		d.retry.Set(u, at)
	}
}

// listed reports whether the lists show the nodes of an answer and, if they are
// filtered, its services. A list that fails is left out.
func (d *Discovery) listed(a Answer) bool {
	noNode := func(name string) bool { return d.nodes[Source{Kind: Node, Name: name}] == nil }
	noService := func(name string) bool { _, there := d.tags[name]; return !there }
	return (d.failing[Source{Kind: Nodes}] || !slices.ContainsFunc(a.Nodes, noNode)) &&
		(d.failing[Source{Kind: Services}] || !d.replies[Services].Filtered || !slices.ContainsFunc(a.Services, noService))
}

// regained has everything start anew: the token may read what it could not.
func (d *Discovery) regained(now time.Time) {
	if d.restartAt.IsZero() {
		d.restartAt = now
		if at := d.start.Add(idleAfter); at.After(now) {
			d.restartAt = at
		}
	}
}

// restart repeats every blocking query, and then reads everything.
func (d *Discovery) restart(now time.Time) {
	d.start, d.restartAt = now, time.Time{}
	clear(d.replies)
	clear(d.checks)
	again := func(s Source) { d.moves = append(d.moves, Move{s, false}, Move{s, true}) }
	for _, kind := range []Kind{Critical, Warning, Nodes, Services} {
		if kind != Services || d.partial {
			again(Source{Kind: kind})
		}
	}
	for s, u := range d.nodes {
		u.index, u.filtered, u.instances = 0, false, nil
		if u.held {
			again(s)
		}
	}
	d.wantAll(now.Add(retryLongest))
	d.sweep.reset = d.tick(now)
}
