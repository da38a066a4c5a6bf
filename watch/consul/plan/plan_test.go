package plan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"restencil/watch"
	"restencil/watch/consul/discovery"
)

func key(name string) watch.ID     { return watch.Query{Kind: watch.KVGet, Name: name}.ID() }
func tree(name string) watch.ID    { return watch.Query{Kind: watch.KVList, Name: name}.ID() }
func service(name string) watch.ID { return watch.Query{Kind: watch.ServiceHealth, Name: name}.ID() }

// many makes n queries, of names that format makes of a number.
func many(n int, kind func(string) watch.ID, format string) []watch.ID {
	list := make([]watch.ID, n)
	for i := range list {
		list[i] = kind(fmt.Sprintf(format, i))
	}
	return list
}

// ways counts how the queries are kept.
func ways(p *Plan, queries []watch.ID) map[Way]int {
	n := make(map[Way]int)
	for _, q := range queries {
		n[p.Place(q).Way]++
	}
	return n
}

func TestWhatFitsHasQueriesOfItsOwn(t *testing.T) {
	queries := append(many(100, key, "app/%d"), many(27, service, "s%d")...)
	p := Rules{Budget: 128}.Make(queries)
	if got := ways(p, queries); got[Blocking] != 127 || p.Held() != 127 {
		t.Errorf("%d held, ways %v", p.Held(), got)
	}
}

func TestServicesBeyondTheBudgetAreDiscovered(t *testing.T) {
	queries := append(many(500, service, "s%d"), many(10, key, "app/%d")...)
	p := Rules{Budget: 128}.Make(queries)
	if got := ways(p, queries); got[Discovery] != 500 || got[Blocking] != 10 || p.Held() != 10+discovery.Shared+mostRoom {
		t.Errorf("%d held, ways %v", p.Held(), got)
	}
}

func TestScopesArePlannedApart(t *testing.T) {
	queries := many(300, key, "app/%d")
	for _, id := range many(300, key, "app/%d") {
		q := id.Value()
		q.Datacenter = "far"
		queries = append(queries, q.ID())
	}
	p := Rules{Budget: 128}.Make(queries)
	for _, q := range queries {
		if at := p.Place(q); at.Way == Prefix && at.Extent.Scope != ScopeOf(q.Value()) {
			t.Fatalf("%v is kept by %+v", q.Value(), *at)
		}
	}
	if p.Held() > 120 {
		t.Errorf("%d held", p.Held())
	}
}

func TestKeysOfSeveralDirectoriesAreNotWatchedFromAbove(t *testing.T) {
	queries := append(many(150, key, "app/%d"), many(150, key, "shop/%d")...)
	p := Rules{Budget: 128}.Make(queries)
	for _, q := range queries {
		if at := p.Place(q); at.Way == Prefix && !strings.Contains(at.Extent.Prefix, "/") {
			t.Fatalf("%v is kept by %+v", q.Value(), *at)
		}
	}
}

func TestAnAskedPrefixCoversItsKeys(t *testing.T) {
	queries := append(many(300, key, "app/%d"), tree("app/"))
	p := Rules{Budget: 128}.Make(queries)
	if p.Held() != 1 {
		t.Errorf("%d held, want 1: all keys are in the tree that is asked for", p.Held())
	}
}

func TestBarredPrefixes(t *testing.T) {
	queries := many(300, key, "app/%03d")
	r := Rules{Budget: 128, Excluded: map[Extent]bool{{Prefix: "app/0"}: true, {Prefix: "app/12"}: true}}
	p := r.Make(queries)
	for _, q := range queries {
		switch at := p.Place(q); at.Extent.Prefix {
		case "app/", "app/0", "app/1", "app/12":
			if at.Way == Prefix {
				t.Errorf("%v is kept by %+v", q.Value(), *at)
			}
		}
	}
	if p.Held() > 120 {
		t.Errorf("%d held", p.Held())
	}
}

func TestWhereNothingCanBeListed(t *testing.T) {
	queries := many(300, key, "app/%03d")
	r := Rules{Budget: 128, Excluded: make(map[Extent]bool)}
	for range 20 {
		p := r.Make(queries)
		excluded := 0
		for _, q := range queries {
			if at := p.Place(q); at.Way == Prefix && !r.Excluded[at.Extent] {
				r.Excluded[at.Extent] = true
				excluded++
			}
		}
		if excluded == 0 {
			if got := ways(p, queries); got[Blocking] != 120 || got[Rotation] != 180 {
				t.Errorf("ways %v", got)
			}
			return
		}
	}
	t.Error("prefixes are still tried after 20 plans")
}

func TestLonelyKeys(t *testing.T) {
	queries := many(300, key, "app/%03d")
	r := Rules{Budget: 128, Unshared: map[watch.ID]bool{queries[7]: true}}
	if at := r.Make(queries).Place(queries[7]); at.Way != Blocking {
		t.Errorf("a key that must not share is kept by %+v", *at)
	}
}

func TestNewKeysJoinTheirPrefix(t *testing.T) {
	queries := many(300, key, "app/%d")
	r := Rules{Budget: 128}
	p := r.Make(queries)
	held := p.Held()
	if !p.Add(r, key("app/1000")) || p.Held() != held {
		t.Errorf("%d held after one more key, %d before", p.Held(), held)
	}
	if !p.Add(r, key("other")) || p.Held() != held+1 {
		t.Error("a key elsewhere did not get a query of its own")
	}
}

// TestTotal: an agent that accepts more connections has more of them for services and
// nodes. All others share as before.
func TestTotal(t *testing.T) {
	r := Rules{Budget: 128, Total: 1000}
	services := append(many(500, service, "s%d"), key("app/a"))
	p := r.Make(services)
	if got := ways(p, services); got[Blocking] != 501 || p.Held() != 501 {
		t.Errorf("%d held, ways %v", p.Held(), got)
	}
	if !p.Add(r, many(200, service, "more%d")...) || p.Held() != 701 {
		t.Errorf("%d held with 200 services more", p.Held())
	}
	if p.Add(r, many(300, service, "toomany%d")...) {
		t.Errorf("%d held with 500 services more", p.Held())
	}

	all := append(many(300, key, "app/%d"), services[:500]...)
	p = r.Make(all)
	if got := ways(p, all); got[Blocking] != 500 || got[Prefix] != 300 {
		t.Errorf("with keys: ways %v", got)
	}
	if p.Add(r, many(300, key, "other/%d")...) {
		t.Error("300 keys elsewhere got a query each")
	}

	services = many(2000, service, "s%d")
	p = r.Make(services)
	if room := p.Rooms[Scope{}]; p.Place(services[0]).Way != Discovery || room < 800 || p.Held() > 1000-r.Readers()-1 {
		t.Errorf("2,000 services: %d held, room for %d nodes", p.Held(), room)
	}
	remove(p, services[700:]...)
	if !p.Due(r) {
		t.Error("no new plan is due for 700 services")
	}

	agents := many(1, func(string) watch.ID { return watch.Query{Kind: watch.CALeafCert, Name: "x"}.ID() }, "x")
	others := append(agents, many(1500, service, "s%d")...)
	if p = r.Make(others); p.Place(agents[0]).Way != Blocking {
		t.Errorf("what shares with nothing is kept by %v", p.Place(agents[0]))
	}
}

func TestRemoveGivesBack(t *testing.T) {
	queries := append(many(300, key, "app/%d"), many(200, service, "s%d")...)
	r := Rules{Budget: 128}
	p := r.Make(queries)
	remove(p, queries[10:]...)
	if !p.Due(r) {
		t.Error("no new plan is due for ten queries")
	}
	remove(p, queries...)
	if p.Held() != 0 || p.coalesced() {
		t.Errorf("%d held, coalesced %v", p.Held(), p.coalesced())
	}
}

// TestEveryQueryIsKept checks the promises on sets of queries made at random:
// each is kept by what covers it, within the budget, and no other key's prefix
// is excluded.
func TestEveryQueryIsKept(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		r, queries := invent(random)
		p := r.Make(queries)
		check(t, r, p, queries)
		more := queries[len(queries)/2:]
		remove(p, more...)
		if p.Add(r, more...) {
			check(t, r, p, queries)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

func invent(random *rand.Rand) (Rules, []watch.ID) {
	r := Rules{Budget: 4 + random.IntN(200), Excluded: make(map[Extent]bool), Unshared: make(map[watch.ID]bool)}
	if random.IntN(2) == 0 {
		r.Total = random.IntN(1000)
	}
	seen := make(map[watch.ID]bool)
	var queries []watch.ID
	for range random.IntN(1500) {
		q := watch.Query{Kind: kinds()[random.IntN(5)], Name: inventName(random)}
		if random.IntN(10) == 0 {
			q.Datacenter = "far"
		}
		if seen[q.ID()] {
			continue
		}
		seen[q.ID()] = true
		queries = append(queries, q.ID())
		if random.IntN(50) == 0 {
			r.Unshared[q.ID()] = true
		}
		if random.IntN(100) == 0 {
			r.Excluded[Extent{ScopeOf(q), q.Name[:random.IntN(len(q.Name)+1)]}] = true
		}
	}
	return r, queries
}

func kinds() []watch.Kind {
	return []watch.Kind{watch.KVGet, watch.KVGet, watch.KVList, watch.ServiceHealth, watch.CALeafCert}
}

func inventName(random *rand.Rand) string {
	var b strings.Builder
	for range random.IntN(4) {
		b.WriteString([]string{"app", "shop", "é", "è", "config", "a"}[random.IntN(6)] + "/")
	}
	fmt.Fprint(&b, random.IntN(300))
	return b.String()
}

func check(t *testing.T, r Rules, p *Plan, queries []watch.ID) {
	t.Helper()
	held := make(map[Place]int)
	own, keys := 0, 0
	for _, q := range queries {
		at := p.Place(q)
		switch {
		case at == nil:
			t.Errorf("%v has no place", q.Value())
		case at.Way == Blocking:
			own++
			if q.Value().Kind != watch.ServiceHealth {
				keys++
			}
		case at.Way == Prefix:
			held[*at] = 1
			if !strings.HasPrefix(Text(q.Value()), at.Extent.Prefix) || at.Extent.Scope != ScopeOf(q.Value()) {
				t.Errorf("%v is kept by %+v", q.Value(), *at)
			}
			if r.excludes(at.Extent) || r.Unshared[q] {
				t.Errorf("%v is kept by %+v, which must not be", q.Value(), *at)
			}
		case at.Way == Discovery:
			held[*at] = discovery.Shared + p.Rooms[at.Extent.Scope]
			if q.Value().Kind != watch.ServiceHealth || at.Extent.Scope != ScopeOf(q.Value()) {
				t.Errorf("%v is kept by %+v", q.Value(), *at)
			}
		}
	}
	for at, n := range held {
		own += n
		if at.Way == Prefix {
			keys++
		}
	}
	total := max(r.Total, r.Budget)
	if own != p.Held() || own > total || keys > r.Budget {
		t.Errorf("%d requests are held, %d of them not for services, the plan says %d; the budget is %d, or %d", own, keys, p.Held(), r.Budget, total)
	}
	if len(queries) > total && own > total-r.Readers() {
		t.Errorf("%d requests are held of %d, which leaves too few for reading", own, total)
	}
}

// TestManyKeys: a large directory is divided into few parts of similar size.
func TestManyKeys(t *testing.T) {
	for n, want := range map[int]int{500: 1, 1000: 10, 10_000: 10, 50_000: 23} {
		if p := (Rules{Budget: 128}).Make(many(n, key, "app/%05d")); p.Held() != want {
			t.Errorf("%d keys: %d requests, want %d", n, p.Held(), want)
		}
	}
}

func BenchmarkMake(b *testing.B) {
	queries := append(many(20_000, key, "app/%05d"), many(1000, service, "s%d")...)
	for b.Loop() {
		Rules{Budget: 128}.Make(queries)
	}
}

func remove(p *Plan, queries ...watch.ID) {
	for _, q := range queries {
		p.Remove(q)
	}
}
