// Package plan decides how queries to one Consul agent are kept current, so
// that the requests that wait at the agent at a time stay within a budget: over
// plain HTTP each of them takes a connection, and an agent refuses a client's
// 201st (limits.http_max_conns_per_client).
//
// As long as they fit, each query is a blocking query of its own. Beyond that,
//
//   - keys share blocking queries for prefixes, any string being one; the fewer
//     keys a prefix has that nobody asked for, the better;
//   - instances of services, and nodes, share the requests of a discovery: see
//     package discovery;
//   - what is left is read again in rotation.
//
// The package is pure: it starts nothing, and its values are not safe for
// concurrent use.
package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"restencil/watch"
	"restencil/watch/consul/discovery"
)

// A Way is how a query is kept current.
type Way string

// The ways, in words for people.
const (
	Blocking  Way = "a blocking query of its own"
	Prefix    Way = "a blocking query for its prefix"
	Discovery Way = "read again when its service or node has changed"
	Rotation  Way = "read again in rotation"
)

// A Scope is where a query is put to: what queries share is its own.
type Scope struct {
	Datacenter, Namespace, Partition, Peer string
}

// ScopeOf returns the scope of q.
func ScopeOf(q watch.Query) Scope {
	return Scope{q.Datacenter, q.Namespace, q.Partition, q.Peer}
}

// An Extent is all keys of a scope that begin with a prefix.
type Extent struct {
	Scope  Scope
	Prefix string
}

// A Place is how one query is kept: which way, and by what it shares with
// others.
type Place struct {
	Way    Way
	Extent Extent // where Way is Prefix; where it is Discovery, only its Scope
}

// Rules bound a plan.
type Rules struct {
	// Budget is how many requests there may be at a time, 4 at least.
	Budget int

	// Excluded are the extents that cannot be watched as a whole, nor can any
	// that contains one of them: the token may not list them, or they hold
	// too much that nobody asked for.
	Excluded map[Extent]bool

	// Single are the keys whose absence from an extent proves nothing: none of
	// them shares a request.
	Single map[watch.ID]bool
}

// most bounds Readers.
const most = 8

// Readers is how many requests of the budget are set aside for reading what no
// blocking query keeps current.
func (r Rules) Readers() int { return min(most, r.Budget/4) }

// mostRoom is how many blocking queries for nodes or services a discovery has,
// beside those that it always has.
const mostRoom = 100

// A Plan says how queries are kept.
type Plan struct {
	places map[watch.ID]*slot
	shared map[Place]*slot // those that queries can share
	rooms  map[Scope]int   // of each discovery
	views  int             // queries for services that have a blocking query each
	held   int             // requests that wait for news at a time
	made   int             // how many queries it was made for
}

// A slot is a place that queries have.
type slot struct {
	Place
	users int
}

// Place returns how a query is kept, nil where it is not in the plan. It must not
// be changed.
func (p *Plan) Place(q watch.ID) *Place {
	if at := p.places[q]; at != nil {
		return &at.Place
	}
	return nil
}

// Held returns how many requests wait for news at a time.
func (p *Plan) Held() int { return p.held }

// Room returns how many blocking queries for nodes or services the discovery of a
// scope may have.
func (p *Plan) Room(scope Scope) int { return p.rooms[scope] }

// NeedsWitness reports whether queries have blocking queries of their own that the
// agent may answer from its view of a service.
func (p *Plan) NeedsWitness() bool { return p.views > 0 }

// coalesced tells whether some queries have no blocking query of their own.
func (p *Plan) coalesced() bool { return len(p.places) > p.held || len(p.shared) > 0 }

// put gives q a place.
func (p *Plan) put(q watch.ID, at Place) {
	place := p.shared[at]
	if place == nil {
		place = &slot{Place: at}
		if at.Way != Blocking {
			p.shared[at] = place
		}
	}
	p.places[q] = place
	if place.users++; place.users == 1 {
		p.held += p.requests(at)
	}
	if at.Way == Blocking && NeedsWitness(q.Value().Kind) {
		p.views++
	}
}

// NeedsWitness reports whether the agent may answer a query of this kind from its
// view of a service. As long as some of them have blocking queries of their own,
// there is a witness: see package consul.
func NeedsWitness(kind watch.Kind) bool {
	return kind == watch.ServiceHealth || kind == watch.ConnectHealth
}

// requests is how many requests wait for news because of a place.
func (p *Plan) requests(at Place) int {
	switch at.Way {
	case Blocking, Prefix:
		return 1
	case Discovery:
		return discovery.Shared + p.rooms[at.Extent.Scope]
	}
	return 0
}

// Remove takes queries out.
func (p *Plan) Remove(queries ...watch.ID) {
	for _, q := range queries {
		at := p.places[q]
		if at == nil {
			continue
		}
		delete(p.places, q)
		if at.users--; at.users == 0 {
			p.held -= p.requests(at.Place)
			delete(p.shared, at.Place)
		}
		if at.Way == Blocking && NeedsWitness(q.Value().Kind) {
			p.views--
		}
	}
}

// Add gives new queries places beside the others, which stay where they are.
// Where that cannot be, or would be much worse than a new plan, it returns
// false, and the plan is of no further use.
func (p *Plan) Add(r Rules, queries ...watch.ID) bool {
	for _, q := range queries {
		if at, ok := p.shareable(r, q); ok {
			p.put(q, at)
			continue
		}
		budget := r.Budget
		if p.NeedsWitness() || NeedsWitness(q.Value().Kind) {
			budget-- // for the witness
		}
		if p.coalesced() {
			budget -= r.Readers()
		}
		if p.held >= budget {
			return false
		}
		p.put(q, Place{Way: Blocking})
	}
	return !p.coalesced() || len(p.places) <= 2*p.made
}

// shareable finds a place for a query that others have.
func (p *Plan) shareable(r Rules, id watch.ID) (Place, bool) {
	if len(p.shared) == 0 {
		return Place{}, false
	}
	q := id.Value()
	switch r.familyOf(id) {
	case keys:
		text := Text(q)
		for n := range len(text) + 1 {
			at := Place{Prefix, Extent{ScopeOf(q), text[:n]}}
			if p.shared[at] != nil && !r.excludes(at.Extent) {
				return at, true
			}
		}
	case instances:
		at := Place{Way: Discovery, Extent: Extent{Scope: ScopeOf(q)}}
		return at, p.shared[at] != nil
	}
	return Place{}, false
}

// Due tells whether a new plan for the same queries is due: what was
// coalesced may have become so little that it no longer need be.
func (p *Plan) Due(r Rules) bool {
	return p.coalesced() && len(p.places) <= r.Budget*3/4
}

// excludes tells whether e cannot be watched as a whole.
func (r Rules) excludes(e Extent) bool {
	for b := range r.Excluded {
		if b.Scope == e.Scope && strings.HasPrefix(b.Prefix, e.Prefix) {
			return true
		}
	}
	return false
}

// A family is what can be kept by the same means.
type family int

const (
	keys      family = iota // by prefixes
	instances               // by a discovery
	others                  // by neither
	single                  // keys, but not by prefixes
)

func (r Rules) familyOf(id watch.ID) family {
	switch q := id.Value(); q.Kind {
	case watch.KVGet, watch.KVList:
		if r.Single[id] {
			return single
		}
		return keys
	case watch.ServiceHealth, watch.ConnectHealth, watch.NodeServices:
		if q.SamenessGroup == "" && q.Peer == "" { // Consul's lists of checks and nodes are not those of a peer
			return instances
		}
	}
	return others
}

// Make plans for queries, without regard to any plan before. The same queries
// in the same order have the same plan.
func (r Rules) Make(queries []watch.ID) *Plan {
	m := maker{
		rules: r,
		plan:  &Plan{places: make(map[watch.ID]*slot, len(queries)), shared: make(map[Place]*slot), rooms: make(map[Scope]int), made: len(queries)},
	}
	budget := r.Budget
	if slices.ContainsFunc(queries, func(q watch.ID) bool { return NeedsWitness(q.Value().Kind) }) {
		budget-- // for the witness
	}
	if len(queries) <= budget {
		m.each(queries, budget)
		return m.plan
	}
	m.coalesce(queries)
	return m.plan
}

// A maker makes one plan.
type maker struct {
	rules Rules
	plan  *Plan
	room  int // how many requests may be held
}

func (m *maker) coalesce(queries []watch.ID) {
	m.room = m.rules.Budget - m.rules.Readers()
	groups := make(map[family]map[Scope][]watch.ID)
	for f := keys; f <= single; f++ {
		groups[f] = make(map[Scope][]watch.ID)
	}
	for _, q := range queries {
		g, scope := groups[m.rules.familyOf(q)], ScopeOf(q.Value())
		g[scope] = append(g[scope], q)
	}
	if len(groups[instances]) > 0 {
		m.room-- // for the witness
	}
	reserved := len(groups[keys]) + discovery.Shared*len(groups[instances])
	for _, list := range bySize(groups[others]) {
		m.each(list, max(0, m.left()-reserved))
	}
	sharing := len(groups[keys]) + len(groups[instances])
	var rest []watch.ID
	for _, list := range bySize(groups[keys]) {
		rest = append(rest, m.keys(list, m.left()/sharing)...)
		sharing--
	}
	for _, list := range bySize(groups[single]) {
		rest = append(rest, list...)
	}
	left := min(len(rest), m.left()/2)
	for _, list := range bySize(groups[instances]) {
		m.instances(list, max((m.left()-left)/sharing, min(discovery.Shared, m.left())))
		sharing--
	}
	m.each(rest, m.left())
}

// bySize returns the groups, the small ones first: what they leave of their
// share is for the others.
func bySize(groups map[Scope][]watch.ID) [][]watch.ID {
	return slices.SortedFunc(maps.Values(groups), func(a, b []watch.ID) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a[0].Value().String(), b[0].Value().String()))
	})
}

// each gives the first of queries, up to that many, a blocking query each; the
// others have their turn.
func (m *maker) each(queries []watch.ID, room int) {
	for i, q := range queries {
		if i < room {
			m.plan.put(q, Place{Way: Blocking})
		} else {
			m.plan.put(q, Place{Way: Rotation})
		}
	}
}

// left returns how many more requests may be held.
func (m *maker) left() int { return m.room - m.plan.held }

// instances plans for instances and nodes of one scope.
func (m *maker) instances(queries []watch.ID, share int) {
	if len(queries) <= share || share < discovery.Shared {
		m.each(queries, share)
		return
	}
	scope := ScopeOf(queries[0].Value())
	m.plan.rooms[scope] = min(share-discovery.Shared, mostRoom)
	for _, q := range queries {
		m.plan.put(q, Place{Way: Discovery, Extent: Extent{Scope: scope}})
	}
}

// keys plans for keys of one scope, and returns those for which there is
// nothing but a request each.
func (m *maker) keys(queries []watch.ID, share int) (rest []watch.ID) {
	if len(queries) <= share {
		m.each(queries, share)
		return nil
	}
	if share < 1 {
		return queries
	}
	scope := ScopeOf(queries[0].Value())
	excluded := func(prefix string) bool { return m.rules.excludes(Extent{scope, prefix}) }
	parts, left := cover(itemsOf(queries), share, excluded)
	for _, part := range parts {
		at := Place{Prefix, Extent{scope, part.prefix}}
		if len(part.items) == 1 {
			at = Place{Way: Blocking}
		}
		for _, it := range part.items {
			m.plan.put(it.query, at)
		}
	}
	for _, part := range left {
		for _, it := range part.items {
			rest = append(rest, it.query)
		}
	}
	return rest
}
