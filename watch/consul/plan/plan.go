// Package plan decides how queries to one Consul agent are kept current, so
// that the requests that wait at the agent at a time stay within a budget: over
// plain HTTP each of them takes a connection, and an agent refuses a client's
// 201st (limits.http_max_conns_per_client).
//
// As long as they fit, each query is a blocking query of its own. Beyond that,
//
//   - keys share blocking queries for prefixes, any string being one; the fewer
//     keys a prefix has that nobody asked for, the better;
//   - instances of services, and nodes, are read again when one of three
//     blocking queries with small replies, the bells, says that something has
//     changed in their datacenter;
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
)

// A Way is how a query is kept current.
type Way string

// The ways, in words for people.
const (
	Blocking Way = "a blocking query of its own"
	Prefix   Way = "a blocking query for its prefix"
	Bells    Way = "read again when something of its kind changes"
	Rotation Way = "read again in rotation"
)

// A Scope is where a query is put to: its prefixes and bells are its own.
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
	Extent Extent // where Way is Prefix; where it is Bells, only its Scope
}

// Rules are what a plan has to heed.
type Rules struct {
	// Budget is how many requests there may be at a time, 4 at least.
	Budget int

	// Barred are the extents that cannot be watched as a whole, nor can any
	// that contains one of them: the token may not list them, or they hold
	// too much that nobody asked for.
	Barred map[Extent]bool

	// Lonely are the keys whose absence from an extent proves nothing.
	Lonely map[watch.ID]bool
}

// most bounds Readers.
const most = 8

// Readers is how many requests of the budget are set aside for reading what no
// blocking query keeps current.
func (r Rules) Readers() int { return min(most, r.Budget/4) }

// bells is how many blocking queries tell of a change in a scope.
const bells = 3

// A Plan says how queries are kept.
type Plan struct {
	places map[watch.ID]*slot
	shared map[Place]*slot // those that queries can share
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

// coalesced tells whether some queries have no blocking query of their own.
func (p *Plan) coalesced() bool { return len(p.places) > p.held || len(p.shared) > 0 }

// put gives q a place.
func (p *Plan) put(q watch.ID, at Place) {
	place := p.slot(at)
	p.places[q] = place
	if place.users++; place.users == 1 {
		p.held += at.requests()
	}
}

// slot returns that of a place, a new one where it cannot be shared.
func (p *Plan) slot(at Place) *slot {
	if at.Way == Blocking {
		return &slot{Place: at}
	}
	if p.shared[at] == nil {
		p.shared[at] = &slot{Place: at}
	}
	return p.shared[at]
}

// requests is how many requests wait for news because of a place.
func (at Place) requests() int {
	switch at.Way {
	case Blocking, Prefix:
		return 1
	case Bells:
		return bells
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
			p.held -= at.requests()
			delete(p.shared, at.Place)
		}
	}
}

// Add gives new queries places beside the others, which stay where they are.
// Where that cannot be, or would be much worse than a new plan, it returns
// false, and the plan is of no further use.
func (p *Plan) Add(r Rules, queries ...watch.ID) bool {
	for _, q := range queries {
		at, ok := p.room(r, q)
		if !ok {
			return false
		}
		p.put(q, at)
	}
	return !p.coalesced() || len(p.places) <= 2*p.made
}

// room finds a place for q.
func (p *Plan) room(r Rules, q watch.ID) (Place, bool) {
	if !p.coalesced() {
		return Place{Way: Blocking}, p.held < r.Budget
	}
	if at, ok := p.company(r, q); ok {
		return at, true
	}
	return Place{Way: Blocking}, p.held < r.Budget-r.Readers()
}

// company finds a place for q that others have.
func (p *Plan) company(r Rules, id watch.ID) (Place, bool) {
	q := id.Value()
	switch r.familyOf(id) {
	case keys:
		text := Text(q)
		for n := range len(text) + 1 {
			at := Place{Prefix, Extent{ScopeOf(q), text[:n]}}
			if p.shared[at] != nil && !r.barred(at.Extent) {
				return at, true
			}
		}
	case instances:
		at := Place{Way: Bells, Extent: Extent{Scope: ScopeOf(q)}}
		return at, p.shared[at] != nil
	}
	return Place{}, false
}

// Due tells whether a new plan for the same queries is due: what was
// coalesced may have become so little that it no longer need be.
func (p *Plan) Due(r Rules) bool {
	return p.coalesced() && len(p.places) <= r.Budget*3/4
}

// barred tells whether e cannot be watched as a whole.
func (r Rules) barred(e Extent) bool {
	for b := range r.Barred {
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
	instances               // by bells
	others                  // by neither
	lonely                  // keys, but not by prefixes
)

func (r Rules) familyOf(id watch.ID) family {
	switch q := id.Value(); q.Kind {
	case watch.KVGet, watch.KVList:
		if r.Lonely[id] {
			return lonely
		}
		return keys
	case watch.ServiceHealth, watch.ConnectHealth, watch.NodeServices:
		if q.SamenessGroup == "" {
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
		plan:  &Plan{places: make(map[watch.ID]*slot, len(queries)), shared: make(map[Place]*slot), made: len(queries)},
	}
	if len(queries) <= r.Budget {
		m.each(queries, r.Budget)
		return m.plan
	}
	m.coalesce(queries)
	return m.plan
}

// A maker makes one plan.
type maker struct {
	rules Rules
	plan  *Plan
	left  int // of the requests that may be held
}

func (m *maker) coalesce(queries []watch.ID) {
	m.left = m.rules.Budget - m.rules.Readers()
	groups := make(map[family]map[Scope][]watch.ID)
	for f := keys; f <= lonely; f++ {
		groups[f] = make(map[Scope][]watch.ID)
	}
	for _, q := range queries {
		g, scope := groups[m.rules.familyOf(q)], ScopeOf(q.Value())
		g[scope] = append(g[scope], q)
	}
	reserved := len(groups[keys]) + bells*len(groups[instances])
	for _, list := range bySize(groups[others]) {
		m.each(list, max(0, m.left-reserved))
	}
	sharing := len(groups[keys]) + len(groups[instances])
	for _, list := range bySize(groups[instances]) {
		m.instances(list, m.left/sharing)
		sharing--
	}
	var rest []watch.ID
	for _, list := range bySize(groups[keys]) {
		rest = append(rest, m.keys(list, m.left/sharing)...)
		sharing--
	}
	for _, list := range bySize(groups[lonely]) {
		rest = append(rest, list...)
	}
	m.each(rest, m.left)
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
			m.put(q, Place{Way: Blocking})
		} else {
			m.put(q, Place{Way: Rotation})
		}
	}
}

func (m *maker) put(q watch.ID, at Place) {
	before := m.plan.held
	m.plan.put(q, at)
	m.left -= m.plan.held - before
}

// instances plans for instances and nodes of one scope.
func (m *maker) instances(queries []watch.ID, share int) {
	if len(queries) <= share || m.left < bells {
		m.each(queries, share)
		return
	}
	for _, q := range queries {
		m.put(q, Place{Way: Bells, Extent: Extent{Scope: ScopeOf(q.Value())}})
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
	barred := func(prefix string) bool { return m.rules.barred(Extent{scope, prefix}) }
	for _, part := range cover(itemsOf(queries), share, barred) {
		switch {
		case part.left:
			rest = append(rest, part.queries()...)
		case len(part.items) == 1:
			m.put(part.items[0].query, Place{Way: Blocking})
		default:
			for _, q := range part.queries() {
				m.put(q, Place{Prefix, Extent{scope, part.prefix}})
			}
		}
	}
	return rest
}
