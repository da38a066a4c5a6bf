package discovery

import (
	"slices"
	"time"
)

// What the token may read may change at any time, and moves no index. What a
// list lacks for that reason names what it was about, as if it were gone; that
// is read then, and fails. When a list has again what it lacked, nobody knows
// what has changed meanwhile, so that everything starts anew.
//
// Rights may come for a moment between two replies of a list, which lacks the
// same in both; so an answer is in doubt while it shows what a list lacks. And an
// answer that lacks something may lack what it is named for, however new it is.

const (
	// A query whose answer shows a node or a service that the list of these
	// lacks is read again after this time: the list will have it by then, or it
	// has gone, unless the list lacks it for want of rights.
	listing = 2 * time.Second

	// A query whose answer lacks something that the token may not read is read
	// again after this time: by then every blocking query has had a reply.
	renewed = 25 * time.Second
)

// A doubt is why a query is read again though nothing names it.
type doubt struct {
	unlisted time.Time // since when its answers show what the lists lack, zero: they do not
	again    time.Time // when it is to be read again, since an answer lacked something; zero, or past: it is not
}

// question has a query read once more whose answer may not be what the lists are
// about. What has changed may be among what it lacks.
func (d *Discovery) question(u *unit, a Answer, changed bool, now time.Time) {
	q := &u.doubt
	if a.Filtered && changed {
		q.again = now.Add(renewed)
	}
	at := q.again
	switch since := now.Sub(q.unlisted); {
	case u.held || d.listed(a): // what is held has replies of its own
		q.unlisted = time.Time{}
	case q.unlisted.IsZero():
		q.unlisted, at = now, now.Add(listing)
	default:
		if at = now.Add(max(since, listing)); since >= listing && !d.start.After(q.unlisted) {
			d.regained(now)
		}
	}
	if at.After(now) && !u.held {
		d.retry.Set(u, at)
	}
}

// listed reports whether the lists have the nodes that an answer shows, and, where
// they lack something for want of rights, its services. What fails has no say.
func (d *Discovery) listed(a Answer) bool {
	noNode := func(name string) bool { return d.nodes[Source{Kind: Node, Name: name}] == nil }
	noService := func(name string) bool { _, there := d.tags[name]; return !there }
	return (d.failing[Source{Kind: Nodes}] || !slices.ContainsFunc(a.Nodes, noNode)) &&
		(d.failing[Source{Kind: Services}] || !d.replies[Services].Filtered || !slices.ContainsFunc(a.Services, noService))
}

// regained notes that the token may read again what it could not.
func (d *Discovery) regained(now time.Time) {
	if d.anew.IsZero() {
		d.anew = now
		if at := d.start.Add(settled); at.After(now) {
			d.anew = at
		}
	}
}

// restart has every blocking query put anew, and then everything read.
func (d *Discovery) restart(now time.Time) {
	d.start, d.anew = now, time.Time{}
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
