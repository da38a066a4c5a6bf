// Package plan decides how queries to one Consul agent are kept current within a
// budget of requests that wait at the agent: over plain HTTP each of them takes a
// connection, and an agent refuses a client's 201st (limits.http_max_conns_per_client).
//
// As long as they fit, each query is a blocking query of its own. An agent that accepts
// more connections has more of them for services and nodes: keys are as fast, and cost
// less, if they share requests. Beyond that,
//
//   - keys share blocking queries for prefixes, which should have few keys that
//     no query asks for;
//   - instances of services, and nodes, share the requests of a discovery: see
//     package discovery;
//   - all other queries are read again in rotation.
//
// The package is pure: it starts nothing, and its values are not safe for
// concurrent use.
package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"restencil/watch"
	"restencil/watch/consul/discovery"
)

// A Way is how a query is kept current.
type Way string

const (
	Blocking  Way = "a blocking query of its own"
	Prefix    Way = "a blocking query for its prefix"
	Discovery Way = "read again when its service or node has changed"
	Rotation  Way = "read again in rotation"
)

// A Scope is where a query is put to. Queries share requests only within one.
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

// A Place is the way of a query, and what it shares with others.
type Place struct {
	Way    Way
	Extent Extent // if Way is Prefix; if it is Discovery, only its Scope
}

// String returns how a query is kept current, as the log says it.
func (p Place) String() string {
	if p.Way == Prefix {
		return fmt.Sprintf("%s %q", p.Way, p.Extent.Prefix)
	}
	return string(p.Way)
}

// Rules limit a plan.
type Rules struct {
	// Budget is the most requests at a time, 4 at least. Where Total is larger, it is the
	// most with those for services and nodes, and Budget the most of all others.
	Budget, Total int

	// Excluded are extents that cannot be watched as a whole, nor can those that
	// contain them: the token may not list them, or they hold too much that no query
	// asks for.
	Excluded map[Extent]bool

	// Unshared are keys that share no request: a reply for an extent may lack them
	// though they exist.
	Unshared map[watch.ID]bool
}

// Readers returns the part of the budget for plain reads.
func (r Rules) Readers() int { return min(8, r.Budget/4) }

// extra returns how many requests there may be for services and nodes beyond the budget.
func (r Rules) extra() int { return max(0, r.Total-r.Budget) }

// fit reports whether a load may be held, and spare more.
func (r Rules) fit(l load, spare int) bool {
	return l.all+spare <= r.Budget+r.extra() && l.all-l.instances+spare <= r.Budget
}

// mostRoom is the most blocking queries for nodes or services of a discovery that the
// budget has, without the extra ones.
const mostRoom = 100

// A load is a number of queries or requests, and how many of them are for services and
// nodes.
type load struct{ all, instances int }

// add adds n queries for q, or requests, to the load.
func (l *load) add(n int, q watch.Query) {
	l.all += n
	if isInstance(q) {
		l.instances += n
	}
}

// A Plan says how queries are kept current.
type Plan struct {
	Rooms map[Scope]int // the most blocking queries for nodes or services of each discovery

	places  map[watch.ID]*slot
	shared  map[Place]*slot // those that queries can share
	queries load
	held    load // the requests that wait for news
	shares  int  // the number of queries for instances without a blocking query of their own
	views   int  // the number of queries that need a witness
	made    int  // the number of queries it was made for
}

// A slot is a place with the number of its queries.
type slot struct {
	Place
	users int
}

// Place returns the place of a query, nil if it is not in the plan. It must not be
// changed.
func (p *Plan) Place(q watch.ID) *Place {
	if at := p.places[q]; at != nil {
		return &at.Place
	}
	return nil
}

// Held returns the number of requests that wait for news.
func (p *Plan) Held() int { return p.held.all }

// SharesInstances reports whether some queries for services or nodes have no blocking query
// of their own.
func (p *Plan) SharesInstances() bool { return p.shares > 0 }

// NeedsWitness reports whether the plan has queries that need a witness.
func (p *Plan) NeedsWitness() bool { return p.views > 0 }

// coalesced reports whether some queries have no blocking query of their own.
func (p *Plan) coalesced() bool { return p.queries.all > p.held.all || len(p.shared) > 0 }

// slot returns that of a place, which for a blocking query of its own is a new one.
func (p *Plan) slot(at Place) *slot {
	s := p.shared[at]
	if s == nil {
		s = &slot{Place: at}
		if at.Way != Blocking {
			p.shared[at] = s
		}
	}
	return s
}

// put gives a query the place of a slot.
func (p *Plan) put(id watch.ID, at *slot) {
	q := id.Value()
	p.places[id] = at
	p.queries.add(1, q)
	if at.users++; at.users == 1 {
		p.held.add(p.requests(at.Place), q)
	}
	p.count(q, at.Place, 1)
}

// count adds n queries like q with that place to those that need a witness, or share.
func (p *Plan) count(q watch.Query, at Place, n int) {
	switch {
	case at.Way != Blocking && isInstance(q):
		p.shares += n
	case at.Way == Blocking && NeedsWitness(q.Kind):
		p.views += n
	}
}

// NeedsWitness reports whether a blocking query of this kind needs the witness of
// package requester: the agent may answer it from a view of a service.
func NeedsWitness(kind watch.Kind) bool {
	return kind == watch.ServiceHealth || kind == watch.ConnectHealth
}

// requests returns the number of requests of a place that wait for news.
func (p *Plan) requests(at Place) int {
	switch at.Way {
	case Blocking, Prefix:
		return 1
	case Discovery:
		return discovery.Shared + p.Rooms[at.Extent.Scope]
	}
	return 0
}

// Remove removes a query.
func (p *Plan) Remove(id watch.ID) {
	at := p.places[id]
	if at == nil {
		return
	}
	q := id.Value()
	delete(p.places, id)
	p.queries.add(-1, q)
	if at.users--; at.users == 0 {
		p.held.add(-p.requests(at.Place), q)
		delete(p.shared, at.Place)
	}
	p.count(q, at.Place, -1)
}

// Add gives new queries places, and leaves the others where they are. If that cannot be,
// or would be much worse than a new plan, it returns false, and the plan must not be
// used any more.
func (p *Plan) Add(r Rules, queries ...watch.ID) bool {
	for _, q := range queries {
		if at, ok := p.shareable(r, q); ok {
			p.put(q, p.slot(at))
			continue
		}
		next, spare := p.held, 0
		next.add(1, q.Value())
		if p.NeedsWitness() || NeedsWitness(q.Value().Kind) {
			spare++ // for the witness
		}
		if p.coalesced() {
			spare += r.Readers()
		}
		if !r.fit(next, spare) {
			return false
		}
		p.put(q, p.slot(Place{Way: Blocking}))
	}
	return !p.coalesced() || p.queries.all <= 2*p.made
}

// shareable returns a place for a query that other queries have already.
func (p *Plan) shareable(r Rules, id watch.ID) (Place, bool) {
	if len(p.shared) == 0 {
		return Place{}, false
	}
	q := id.Value()
	switch r.familyOf(id, q) {
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

// Due reports whether there are so few queries that they no longer need to share
// requests.
func (p *Plan) Due(r Rules) bool {
	few := Rules{Budget: r.Budget * 3 / 4, Total: r.Total * 3 / 4}
	return p.coalesced() && few.fit(p.queries, 0)
}

// excludes reports whether e cannot be watched as a whole.
func (r Rules) excludes(e Extent) bool {
	for b := range r.Excluded {
		if b.Scope == e.Scope && strings.HasPrefix(b.Prefix, e.Prefix) {
			return true
		}
	}
	return false
}

// A family is a group of queries that can share requests.
type family int

const (
	keys      family = iota // by prefixes
	instances               // by a discovery
	others                  // by neither
	unshared                // keys, but not by prefixes
)

func (r Rules) familyOf(id watch.ID, q watch.Query) family {
	switch q.Kind {
	case watch.KVGet, watch.KVList:
		if r.Unshared[id] {
			return unshared
		}
		return keys
	default:
		if isInstance(q) {
			return instances
		}
		return others
	}
}

// isInstance reports whether q is for instances of a service or of a node. Lists of checks
// and nodes do not have those of peers.
func isInstance(q watch.Query) bool {
	switch q.Kind {
	case watch.ServiceHealth, watch.ConnectHealth, watch.NodeServices:
		return q.SamenessGroup == "" && q.Peer == ""
	}
	return false
}

// Make returns a plan for queries. It depends only on them and their order.
func (r Rules) Make(queries []watch.ID) *Plan {
	m := maker{
		rules: r,
		plan:  &Plan{places: make(map[watch.ID]*slot, len(queries)), shared: make(map[Place]*slot), Rooms: make(map[Scope]int), made: len(queries)},
	}
	var all load
	witness := 0
	for _, id := range queries {
		q := id.Value()
		all.add(1, q)
		if NeedsWitness(q.Kind) {
			witness = 1
		}
	}
	if r.fit(all, witness) {
		m.each(queries, len(queries))
		return m.plan
	}
	m.coalesce(queries)
	return m.plan
}

// A maker makes one plan.
type maker struct {
	rules Rules
	plan  *Plan
	room  int // the most requests that are held
}

func (m *maker) coalesce(queries []watch.ID) {
	m.room = m.rules.Budget - m.rules.Readers()
	groups := make(map[family]map[Scope][]watch.ID)
	for f := keys; f <= unshared; f++ {
		groups[f] = make(map[Scope][]watch.ID)
	}
	for _, id := range queries {
		q := id.Value()
		g, scope := groups[m.rules.familyOf(id, q)], ScopeOf(q)
		g[scope] = append(g[scope], id)
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
	for _, list := range bySize(groups[unshared]) {
		rest = append(rest, list...)
	}
	left := min(len(rest), m.left()/2)
	m.room += m.rules.extra()
	for _, list := range bySize(groups[instances]) {
		m.instances(list, max((m.left()-left)/sharing, min(discovery.Shared, m.left())))
		sharing--
	}
	m.room -= max(0, m.rules.extra()-m.plan.held.instances)
	m.each(rest, m.left())
}

// bySize returns the groups, the small ones first: the others get what these leave of
// their share.
func bySize(groups map[Scope][]watch.ID) [][]watch.ID {
	return slices.SortedFunc(maps.Values(groups), func(a, b []watch.ID) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a[0].Value().String(), b[0].Value().String()))
	})
}

// each gives the first room queries a blocking query each; the others are read in
// rotation.
func (m *maker) each(queries []watch.ID, room int) {
	for i, q := range queries {
		at := Place{Way: Blocking}
		if i >= room {
			at.Way = Rotation
		}
		m.plan.put(q, m.plan.slot(at))
	}
}

// left returns how many more requests may be held.
func (m *maker) left() int { return m.room - m.plan.Held() }

// instances plans for instances and nodes of one scope.
func (m *maker) instances(queries []watch.ID, share int) {
	if len(queries) <= share || share < discovery.Shared {
		m.each(queries, share)
		return
	}
	scope := ScopeOf(queries[0].Value())
	m.plan.Rooms[scope] = min(share-discovery.Shared, mostRoom+m.rules.extra())
	at := m.plan.slot(Place{Way: Discovery, Extent: Extent{Scope: scope}})
	for _, q := range queries {
		m.plan.put(q, at)
	}
}

// keys plans for keys of one scope, and returns those that cannot share requests.
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
		slot := m.plan.slot(at)
		for _, it := range part.items {
			m.plan.put(it.query, slot)
		}
	}
	for _, part := range left {
		for _, it := range part.items {
			rest = append(rest, it.query)
		}
	}
	return rest
}
