// Package discovery decides which requests keep the instances of many services
// of one Consul datacenter current over few connections.
//
// A [Discovery] names the services that have changed, so that not all of them are read
// whenever something changes:
//
//   - The difference between two replies for the checks that are critical, or
//     warning, names the service of every check that flips.
//   - The difference between two replies for the nodes names the nodes that
//     changed, came or went.
//   - The difference between two replies for the services of one node names
//     every service that was registered, deregistered or changed there. As many
//     nodes as there is room for have a blocking query each, those that changed
//     last first.
//   - Where not all nodes have one, a blocking query for the list of services
//     ends at every registration in the datacenter. Then the other nodes are
//     swept: each is read once, at the pace of a token bucket. Where there are
//     more such nodes than services, services are held and swept instead.
//
// What is named is read at once by a plain request, begun after the reply that
// named it. Everything is read again while one of the blocking queries fails, and once
// in [BaseSweep].
//
// The package is pure: it starts no goroutine, reads no clock and sends no
// request. The caller makes the requests that it asks for, gives it the replies, and
// passes the time in. Its values are not safe for concurrent use.
package discovery

import (
	"cmp"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
)

// A Kind is a kind of source.
type Kind string

const (
	Critical Kind = "critical checks"
	Warning  Kind = "warning checks"
	Nodes    Kind = "nodes"
	Services Kind = "names and tags of services"
	Node     Kind = "services of a node"
	Query    Kind = "watched query"
)

// A Source is something to request: held by a blocking query or, if it is a Node or a
// Query, read plainly.
type Source struct {
	Kind  Kind
	Name  string   // of a Node
	Query watch.ID // of a Query
}

// A Move says that a source is held by a blocking query from now on, or no longer.
type Move struct {
	Source Source
	Hold   bool
}

// A Discovery keeps queries for the instances of services, and for the services
// of nodes, current. Its methods take the time at which they are called, which
// never goes back.
type Discovery struct {
	start     time.Time // of the first requests
	restartAt time.Time // when to start anew; zero: never

	// The newest replies to the shared queries.
	checks map[Kind]map[checkID]uint64
	tags   map[string]string

	assignment
}

// New returns a Discovery that has at most room blocking queries for nodes or services,
// and Shared others.
func New(room int, now time.Time) *Discovery {
	d := &Discovery{
		start: now, checks: make(map[Kind]map[checkID]uint64),
		assignment: assignment{
			registry: registry{
				queries: make(targets), nodes: make(targets), byName: make(index), byNode: make(index),
				queue: queue{stamp: now},
			},
			room: room, holding: make(map[Kind]int), replies: make(map[Kind]Reply),
			failing: make(map[Source]bool), paces: make(map[Source]*bucket),
		},
	}
	for _, kind := range []Kind{Critical, Warning, Nodes} {
		d.moves = append(d.moves, Move{Source{Kind: kind}, true})
	}
	return d
}

// Shared is the most blocking queries that are not for one node or service.
const Shared = 4

// SetRoom changes the most blocking queries for nodes or services.
func (d *Discovery) SetRoom(room int, now time.Time) {
	d.room = room
	d.assign(now)
}

// Moves returns the moves since it was last called.
func (d *Discovery) Moves() []Move {
	moves := d.moves
	d.moves = nil
	return moves
}

// Add adds a query, which is read as soon as possible.
func (d *Discovery) Add(id watch.ID, now time.Time) {
	s := Source{Kind: Query, Query: id}
	if d.queries[s] != nil {
		return
	}
	u := &target{source: s}
	d.queries[s] = u
	switch q := id.Value(); {
	case q.Kind != watch.NodeServices:
		d.byName.set(u, &u.names, []string{q.Name})
	case q.Name != "":
		d.byNode.set(u, &u.nodes, []string{q.Name})
	}
	d.sweep.add(u)
	d.want(u)
	d.assign(now)
}

// Remove removes a query.
func (d *Discovery) Remove(id watch.ID, now time.Time) {
	if u := d.queries[Source{Kind: Query, Query: id}]; u != nil {
		delete(d.queries, u.source)
		d.forget(u)
		d.assign(now)
	}
}

// forget takes u out of everything but d.queries or d.nodes.
func (d *Discovery) forget(u *target) {
	u.gone = true
	d.hold(u, false)
	d.byName.set(u, &u.names, nil)
	d.byNode.set(u, &u.nodes, nil)
	d.retry.Remove(u)
	d.sweep.of(u).Remove(u)
}

// firstReplies limits how long the first reads wait for the first replies to the
// blocking queries. A read that begins after these misses nothing.
const firstReplies = time.Second

// ready reports whether the shared queries have all been answered, or failed.
func (d *Discovery) ready(now time.Time) bool {
	if !now.Before(d.start.Add(firstReplies)) {
		return true
	}
	for _, kind := range []Kind{Critical, Warning, Nodes, Services} {
		_, replied := d.replies[kind]
		if !replied && !d.failing[Source{Kind: kind}] && (kind != Services || d.partial) {
			return false
		}
	}
	return true
}

// Next returns what to read now. If that is nothing, the Kind is "", and the time says
// when to call again, if no other method is called before.
func (d *Discovery) Next(now time.Time) (Source, time.Time) {
	if !d.restartAt.IsZero() && !now.Before(d.restartAt) {
		d.restart(now)
	}
	if !d.ready(now) {
		return Source{}, d.start.Add(firstReplies)
	}
	d.wantAll(now)
	for len(d.named) > 0 {
		u := d.named[0]
		d.named = d.named[1:]
		due := u.named && !u.gone && !u.held && !u.busy
		u.named = false
		if due {
			return d.begin(u, now), time.Time{}
		}
	}
	u, at := d.nextSwept(now)
	if u != nil {
		return d.begin(u, now), time.Time{}
	}
	return Source{}, schedule.Earliest(at, d.retry.Next(), d.restartAt)
}

// Fail records that a blocking query, or a read, failed. What was read is read again
// after a delay, or as soon as no blocking query fails any more.
func (d *Discovery) Fail(s Source, delay time.Duration, now time.Time) {
	u := cmp.Or(d.queries[s], d.nodes[s])
	if u == nil && (s.Kind == Node || s.Kind == Query) {
		return
	}
	if u != nil && u.busy {
		u.busy = false
		u.doubt.unlisted = time.Time{}
		u.filtered = u.filtered || s.Kind == Query // something may have changed in what it could not read
		d.retry.Set(u, now.Add(max(delay, 1)))
		return
	}
	d.failing[s] = true
	d.assign(now)
}
