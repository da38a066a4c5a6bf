package discovery

import (
	"math"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
)

// A Kind says what a Source is about.
type Kind string

// The kinds of source.
const (
	Critical Kind = "critical checks"
	Warning  Kind = "warning checks"
	Nodes    Kind = "nodes"
	Services Kind = "names and tags of services"
	Node     Kind = "services of a node"
	Query    Kind = "watched query"
)

// A Source is what one request is about: a blocking query that is held, or one
// that is read plainly, which is a Node or a Query.
type Source struct {
	Kind  Kind
	Name  string   // Node: its name
	Query watch.ID // Query: which
}

// A Move says that a source is to be held by a blocking query from now on, or
// no longer.
type Move struct {
	Source Source
	Hold   bool
}

// A Discovery keeps queries for the instances of services, and for the services
// of nodes, current. Its methods take the time at which they are called, which
// never goes back.
type Discovery struct {
	room  int // how many Node or Query sources may be held
	start time.Time
	stamp time.Time // the last that was given; see begin

	// What is watched, and what is known.
	queries units
	nodes   units
	byName  index // the queries that a service concerns
	byNode  index // the queries that a node concerns
	seen

	holds

	// What is to be read.
	named []*unit                // by name, in order
	retry schedule.Timers[*unit] // after a failure
	sweep sweep                  // one after another
}

// Seen is what the newest replies to the shared queries said.
type seen struct {
	checks  map[Kind]map[checkID]uint64
	vain    map[Kind]bool // the last reply for checks had no difference
	tags    map[string]string
	replies map[Kind]uint64 // the index of the newest reply; absent: there was none
}

// Holds are what is held.
type holds struct {
	moves   []Move
	holding map[Kind]int // how many are held, of nodes and of queries
	partial bool         // not all nodes fit: Services is held too, and the rest is swept
	byQuery bool         // queries are held and swept, in place of nodes
	failing map[Source]bool
	paces   map[Source]*bucket
}

type units map[Source]*unit

// A unit is a watched query or a node.
type unit struct {
	source  Source
	index   uint64    // of the newest reply
	wanted  uint64    // of a query: it was named since that read began, and is read again unless the reply has this index
	version uint64    // of a node: the index of its last change in the list of nodes
	read    time.Time // when the newest read began, zero: never, or it does not count
	changed time.Time // when it was last found to have changed
	held    bool
	busy    bool // it is being read
	named   bool // it is in Discovery.named
	gone    bool

	names     []string            // of a query: the services that concern it, in lower case
	nodes     []string            // of a query: the nodes that concern it, in lower case
	instances map[string]instance // of a node, by ID; nil: not known
}

// New returns a Discovery that has room blocking queries for nodes or services,
// beside the four that it always may have.
func New(room int, now time.Time) *Discovery {
	d := &Discovery{
		room: room, start: now, stamp: now,
		queries: make(units), nodes: make(units), byName: make(index), byNode: make(index),
		seen:  seen{checks: make(map[Kind]map[checkID]uint64), vain: make(map[Kind]bool), replies: make(map[Kind]uint64)},
		holds: holds{holding: make(map[Kind]int), failing: make(map[Source]bool), paces: make(map[Source]*bucket)},
	}
	for _, kind := range []Kind{Critical, Warning, Nodes} {
		d.moves = append(d.moves, Move{Source{Kind: kind}, true})
	}
	return d
}

// Shared is how many blocking queries there may be beside the room.
const Shared = 4

// SetRoom changes how many blocking queries for nodes or services there may be.
func (d *Discovery) SetRoom(room int, now time.Time) {
	d.room = room
	d.assign(now)
}

// Moves returns what is to be held, or no longer, since it was last called.
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
	u := &unit{source: s}
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
func (d *Discovery) forget(u *unit) {
	u.gone = true
	d.hold(u, false)
	d.byName.set(u, &u.names, nil)
	d.byNode.set(u, &u.nodes, nil)
	d.retry.Remove(u)
	d.sweep.remove(u)
}

// always is an index that no reply has.
const always = math.MaxUint64

// name has u read, unless its newest reply is as new as index.
func (d *Discovery) name(u *unit, index uint64) {
	if u.index >= index || u.held {
		return
	}
	u.wanted = max(u.wanted, index)
	d.want(u)
}

// want has u read as soon as possible; if it is being read, done does.
func (d *Discovery) want(u *unit) {
	if !u.busy && !u.named {
		u.named = true
		d.named = append(d.named, u)
	}
}

// wantAll has those read that are due by a time.
func (d *Discovery) wantAll(due *schedule.Timers[*unit], by time.Time) {
	for _, u := range due.PopAll(by) {
		d.want(u)
	}
}

// retryLongest is longer than any delay after a failure.
const retryLongest = 24 * time.Hour

// recovered notes that a source does not fail any more.
func (d *Discovery) recovered(s Source, now time.Time) {
	if !d.failing[s] {
		return
	}
	delete(d.failing, s)
	if len(d.failing) == 0 {
		d.wantAll(&d.retry, now.Add(retryLongest))
	}
	d.assign(now)
}

// nameAll has all queries read that are filed under a name.
func (d *Discovery) nameAll(in index, name string, at uint64) {
	for u := range in[strings.ToLower(name)] {
		d.name(u, at)
	}
}

// firstReplies is how long the first reads wait for the first replies to the
// blocking queries. A read that begins after them misses nothing.
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

// Next returns what to read now. Where there is nothing, the Kind is "", and the
// time says when to ask again, if no other method is called before.
func (d *Discovery) Next(now time.Time) (Source, time.Time) {
	if !d.ready(now) {
		return Source{}, d.start.Add(firstReplies)
	}
	d.wantAll(&d.retry, now)
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
	if first := d.retry.Next(); !first.IsZero() && first.Before(at) {
		at = first
	}
	return Source{}, at
}

// begin notes that u is being read. No two reads, and no hint, have the same
// time.
func (d *Discovery) begin(u *unit, now time.Time) Source {
	u.busy, u.named, u.wanted = true, false, 0
	u.read = d.tick(now)
	d.retry.Remove(u)
	d.sweep.remove(u)
	return u.source
}

func (d *Discovery) tick(now time.Time) time.Time {
	if now.After(d.stamp) {
		d.stamp = now
	} else {
		d.stamp = d.stamp.Add(1)
	}
	return d.stamp
}

// done notes that u was read, or that a blocking query for it was answered.
func (d *Discovery) done(u *unit, index uint64) {
	u.index = index
	if !u.busy {
		return
	}
	u.busy = false
	if !u.held {
		d.sweep.add(u)
	}
	if u.wanted > index {
		d.want(u)
	}
}

// Fail notes that a blocking query, or a read, failed. What was read is read
// again after a delay, or as soon as no blocking query fails any more.
func (d *Discovery) Fail(s Source, delay time.Duration, now time.Time) {
	u := d.unit(s)
	if u == nil && (s.Kind == Node || s.Kind == Query) {
		return
	}
	if u != nil && u.busy {
		u.busy = false
		d.retry.Set(u, now.Add(max(delay, 1)))
		return
	}
	d.failing[s] = true
	d.assign(now)
}

func (d *Discovery) unit(s Source) *unit {
	if s.Kind == Node {
		return d.nodes[s]
	}
	return d.queries[s]
}

// An index files units under names.
type index map[string]map[*unit]bool

// set files u under these names, in place of those that it was filed under.
func (in index) set(u *unit, old *[]string, names []string) {
	for _, name := range *old {
		delete(in[name], u)
		if len(in[name]) == 0 {
			delete(in, name)
		}
	}
	*old = nil
	for _, name := range names {
		name = strings.ToLower(name)
		if in[name] == nil {
			in[name] = make(map[*unit]bool)
		}
		if !in[name][u] {
			in[name][u] = true
			*old = append(*old, name)
		}
	}
}
