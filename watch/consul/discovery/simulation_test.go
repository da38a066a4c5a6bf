package discovery

import (
	"container/heap"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"restencil/test/catalog"
	"restencil/watch"
)

// A simulation is a Discovery at work on a simulated catalog, with a clock of its
// own: requests take a few milliseconds, eight reads go on at a time.
type simulation struct {
	t       *testing.T
	d       *Discovery
	c       *catalog.Catalog
	random  *rand.Rand
	now     time.Time
	events  eventHeap
	held    map[Source]*poll
	free    int // of the readers
	wake    time.Time
	away    map[Kind]bool // what fails
	told    map[watch.ID]string
	reads   int
	returns int // of blocking queries
	most    int // blocking queries at a time

	hidden map[string]bool // the nodes and the services that the token may not read
	hid    map[string]bool // the same, when rights went last
	wait   time.Duration   // after which a blocking query ends without news, zero: never
	states map[watch.ID]state
}

// A state is what whoever reads a query knows.
type state struct {
	size     int // of the last answer that was believed
	filtered bool
	failures int // in a row, since the token may not read what there was
}

// A poll is a blocking query under way, or pausing.
type poll struct {
	index    uint64
	filtered bool // the last reply was
	waiting  bool
	ended    bool
	turn     int // how often it was put
}

type event struct {
	at time.Time
	n  int
	do func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].n < h[j].n
	}
	return h[i].at.Before(h[j].at)
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func newSimulation(t *testing.T, c *catalog.Catalog, room int, random *rand.Rand) *simulation {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &simulation{
		t: t, d: New(room, now), c: c, random: random, now: now, free: 8,
		held: make(map[Source]*poll), away: make(map[Kind]bool),
		told:   make(map[watch.ID]string),
		hidden: make(map[string]bool), states: make(map[watch.ID]state),
	}
}

func (s *simulation) after(wait time.Duration, do func()) {
	heap.Push(&s.events, event{s.now.Add(wait), len(s.events), do})
}

// travel is how long a request, or its reply, is under way.
func (s *simulation) travel() time.Duration {
	return time.Duration(500+s.random.IntN(2500)) * time.Microsecond
}

// run lets time go by.
func (s *simulation) run(span time.Duration) {
	end := s.now.Add(span)
	s.pump()
	for len(s.events) > 0 && !s.events[0].at.After(end) {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
		s.pump()
	}
	s.now = end
}

// change changes the catalog.
func (s *simulation) change(do func()) {
	do()
	for source, p := range s.held {
		if p.waiting && s.index(source) != p.index {
			p.waiting = false
			s.reply(source, p)
		}
	}
	s.pump()
}

// fail has what is about a kind of source fail, be it under way.
func (s *simulation) fail(kind Kind) {
	s.away[kind] = true
	for source, p := range s.held {
		if p.waiting && source.Kind == kind {
			p.waiting = false
			s.ask(source, p)
		}
	}
}

// pump does what the Discovery asks for.
func (s *simulation) pump() {
	s.move()
	for s.free > 0 {
		source, at := s.d.Next(s.now)
		s.move()
		if source.Kind == "" {
			if s.wake.IsZero() || !s.wake.After(s.now) || at.Before(s.wake) {
				s.wake = at
				s.after(at.Sub(s.now), func() {})
			}
			return
		}
		if s.held[source] != nil {
			s.t.Fatalf("%v is read though it is held", source)
		}
		s.free--
		s.reads++
		s.after(s.travel(), func() {
			take, _ := s.look(source)
			s.after(s.travel(), func() { s.free++; take() })
		})
	}
}

// move begins and ends blocking queries.
func (s *simulation) move() {
	for _, m := range s.d.Moves() {
		if !m.Hold {
			s.held[m.Source].ended = true
			delete(s.held, m.Source)
			continue
		}
		if s.held[m.Source] != nil {
			s.t.Fatalf("%v is held already", m.Source)
		}
		p := &poll{}
		s.held[m.Source] = p
		s.after(s.travel(), func() { s.ask(m.Source, p) })
	}
	s.most = max(s.most, len(s.held))
}

func (s *simulation) ask(source Source, p *poll) {
	switch {
	case p.ended:
	case s.away[source.Kind]:
		s.after(s.travel(), func() {
			if !p.ended {
				p.index = 0
				s.d.Fail(source, 0, s.now)
				s.after(time.Second, func() { s.ask(source, p) })
			}
		})
	case s.index(source) == p.index:
		p.waiting = true
		p.turn++
		if turn := p.turn; s.wait > 0 {
			s.after(s.wait-time.Duration(s.random.Int64N(int64(s.wait/16))), func() {
				if p.waiting && p.turn == turn {
					p.waiting = false
					s.reply(source, p)
				}
			})
		}
	default:
		s.reply(source, p)
	}
}

// reply answers a blocking query.
func (s *simulation) reply(source Source, p *poll) {
	take, filtered := s.look(source)
	news := p.index != s.index(source) || filtered || p.filtered
	p.index, p.filtered = s.index(source), filtered
	s.returns++
	s.after(s.travel(), func() {
		if !p.ended {
			if news {
				take()
			}
			s.after(s.d.Pause(source, 2000, s.now)+s.travel(), func() { s.ask(source, p) })
		}
	})
}

func (s *simulation) index(source Source) uint64 {
	switch source.Kind {
	case Critical:
		return s.c.Checks("critical")
	case Warning:
		return s.c.Checks("warning")
	case Nodes:
		return s.c.NodesIndex()
	case Services:
		return s.c.ServicesIndex()
	case Node:
		return s.c.NodeIndex(source.Name)
	default:
		return s.c.ServiceIndex(source.Query.Value().Name)
	}
}

// look returns what hands over what the catalog has now, and whether something
// was left out that the token may not read.
func (s *simulation) look(source Source) (take func(), filtered bool) {
	r := Reply{Index: s.index(source)}
	visible := func(names ...string) bool {
		for _, name := range names {
			if s.hidden[name] {
				r.Filtered = true
				return false
			}
		}
		return true
	}
	switch source.Kind {
	case Critical, Warning:
		status := strings.Fields(string(source.Kind))[0]
		var list []Check
		for _, state := range s.c.States(status) {
			c := Check{Node: state.Node.Name, CheckID: "node", ModifyIndex: state.Node.StatusIndex}
			if i := state.Instance; i != nil {
				c.CheckID, c.ServiceName, c.ModifyIndex = i.ID, i.Service, i.StatusIndex
			}
			if visible(c.Node, c.ServiceName) {
				list = append(list, c)
			}
		}
		take = func() { s.d.TakeChecks(source.Kind, r, list, s.now) }
	case Nodes:
		var list []CatalogNode
		for _, n := range s.c.Nodes {
			if visible(n.Name) {
				list = append(list, CatalogNode{n.Name, n.Index})
			}
		}
		take = func() { s.d.TakeNodes(r, list, s.now) }
	case Services:
		tags := s.c.Tags()
		for name := range tags {
			if !visible(name) {
				delete(tags, name)
			}
		}
		take = func() { s.d.TakeServices(r, tags, s.now) }
	case Node:
		var list []Instance
		if n := s.c.Nodes[source.Name]; n != nil {
			for _, i := range n.Instances {
				one := Instance{ID: i.ID, Service: i.Service, ModifyIndex: i.Index}
				one.Proxy.DestinationServiceName = i.Destination
				if visible(source.Name, i.Service) {
					list = append(list, one)
				}
			}
		}
		take = func() { s.d.TakeInstances(source.Name, r, list, s.now) }
	default:
		a, text := Answer{}, s.visible(source.Query)
		q := source.Query.Value()
		for _, p := range s.c.Instances(q.Name, q.Kind == watch.ConnectHealth) {
			if visible(p.Node.Name, p.Service) {
				a.Nodes, a.Services = append(a.Nodes, p.Node.Name), append(a.Services, p.Service)
				a.Failing = a.Failing || !p.Passing()
			}
		}
		a.Reply = r
		take = func() { s.answer(source, a, text) }
	}
	return take, r.Filtered
}

// answer hands over the answer to a query. Where it lacks what there was because
// the token may not read it, that is a failure.
func (s *simulation) answer(source Source, a Answer, text string) {
	id := source.Query
	state, size := s.states[id], strings.Count(text, "/")
	if a.Filtered && size < state.size && (!state.filtered || size == 0) {
		state.failures++
		s.states[id] = state
		delay := time.Duration(0)
		if s.held[source] == nil {
			delay = min(250*time.Millisecond<<min(state.failures, 10), time.Minute)
		}
		s.d.Fail(source, delay, s.now)
		return
	}
	a.Changed = s.told[id] != text
	s.told[id] = text
	state.size, state.filtered, state.failures = size, a.Filtered, 0
	s.states[id] = state
	s.d.TakeAnswer(id, a, s.now)
}

// truth is what a query's answer says now, and visible what the token may read of
// that.
func (s *simulation) truth(id watch.ID) string   { return s.says(id, nil) }
func (s *simulation) visible(id watch.ID) string { return s.says(id, s.hidden) }

func (s *simulation) says(id watch.ID, hidden map[string]bool) string {
	q := id.Value()
	text := "answer:"
	for _, p := range s.c.Instances(q.Name, q.Kind == watch.ConnectHealth) {
		if p.Passing() && !hidden[p.Node.Name] && !hidden[p.Service] {
			text += fmt.Sprintf(" %s/%s:%d,%s,%s", p.Node.Name, p.ID, p.Port, p.Tag, p.Node.Address)
		}
	}
	return text
}

// check compares what was told with what is true.
func (s *simulation) check(when string) {
	s.t.Helper()
	wrong := 0
	for _, u := range s.d.queries {
		id := u.source.Query
		if got, want := s.told[id], s.truth(id); got != want {
			if wrong++; wrong <= 3 {
				s.t.Errorf("%s: %v: told %q, true is %q; held %v, read %v ago, busy %v", when, id.Value(), got, want, u.held, s.now.Sub(u.read), u.busy)
			}
		}
	}
	if wrong > 0 {
		s.t.Fatalf("%s: %d of %d are wrong", when, wrong, len(s.d.queries))
	}
}

func service(i int) watch.ID {
	return watch.Query{Kind: watch.ServiceHealth, Name: fmt.Sprint("s", i)}.ID()
}

func proxy(i int) watch.ID {
	return watch.Query{Kind: watch.ConnectHealth, Name: fmt.Sprint("s", i)}.ID()
}

// populate fills a catalog with services of three instances each.
func populate(random *rand.Rand, services, nodes int) *catalog.Catalog {
	c := catalog.New()
	for i := range nodes {
		c.SetNode(fmt.Sprint("n", i), "10.0.0.1")
	}
	for i := range services {
		for range 3 {
			name := fmt.Sprint("s", i)
			c.Register(fmt.Sprint("n", random.IntN(nodes)), catalog.Instance{ID: name, Service: name, Port: 80, Status: "passing"})
		}
	}
	return c
}

// newSeed returns a seed of its own, or the one in SEED, and logs it.
func newSeed(t *testing.T) uint64 {
	seed, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("SEED=%d", seed)
	return seed
}

// A size is that of a datacenter, and what is promised there.
type size struct {
	name            string
	services, nodes int
	room            int
	promise         time.Duration // in which a change is seen, after a burst of them
	each            time.Duration // the same, of one change among changes of other services
	rate            int           // the most requests a second while 20 unrelated things change a second
}

var sizes = []size{
	{"all nodes held", 500, 72, 100, time.Second, 300 * time.Millisecond, 60},
	{"nodes swept", 600, 150, 60, 3 * time.Second, 2 * time.Second, 110},
	{"2,000 services", 2000, 212, 100, 3 * time.Second, 2 * time.Second, 180},
	{"services held and swept", 300, 500, 50, 6 * time.Second, 4 * time.Second, 130},
	{"as many nodes as room", 200, 30, 30, time.Second, 300 * time.Millisecond, 60},
}

// TestEveryChangeIsSeen makes bursts of changes of every kind, at random, and
// compares after the time that is promised.
func TestEveryChangeIsSeen(t *testing.T) {
	seed := newSeed(t)
	for _, size := range sizes {
		t.Run(size.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			s := newSimulation(t, populate(random, size.services, size.nodes), size.room, random)
			for i := range size.services {
				s.d.Add(service(i), s.now)
				if i%10 == 0 {
					s.d.Add(proxy(i), s.now)
				}
			}
			for range 30 { // in the middle of the first reads
				s.run(time.Duration(random.IntN(10)) * time.Millisecond)
				s.change(func() { s.c.Change(random, "s", size.services, size.nodes) })
			}
			s.run(5*time.Second + size.promise)
			s.check("at first")
			for round := range 25 {
				for range 1 + random.IntN(20) {
					s.run(time.Duration(random.IntN(100)) * time.Millisecond)
					s.change(func() { s.c.Change(random, "s", size.services, size.nodes) })
				}
				s.run(size.promise)
				s.check(fmt.Sprint("round ", round))
			}
			if s.most > size.room+Shared {
				t.Errorf("%d blocking queries, there is room for %d", s.most, size.room+Shared)
			}
		})
	}
}

// TestUnrelatedChangesCostLittle: while twenty things change a second that nobody
// watches, there are few requests, and what is watched is seen in time.
func TestUnrelatedChangesCostLittle(t *testing.T) {
	for i, size := range append(sizes, sizes[0], sizes[1], sizes[3]) {
		name, hidden := size.name, i >= len(sizes)
		if hidden {
			name += ", of which the token may not read some, nor what is unrelated"
		}
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			s := newSimulation(t, populate(random, size.services, size.nodes), size.room, random)
			s.wait = 20 * time.Second
			for i := range 100 {
				s.hidden[fmt.Sprint("other", i)] = hidden
			}
			for i := range size.nodes / 3 {
				s.hidden[fmt.Sprint("n", 2+i)] = hidden
			}
			for i := range size.services {
				s.d.Add(service(i), s.now)
			}
			s.run(40 * time.Second)
			before := s.reads + s.returns
			began := s.now
			churn := func(span time.Duration) {
				for end := s.now.Add(span); s.now.Before(end); {
					s.run(50 * time.Millisecond)
					s.change(func() { s.c.Change(random, "other", 100, size.nodes) })
				}
			}
			for second := range 18 {
				churn(time.Second)
				i := random.IntN(size.services)
				name := fmt.Sprint("s", i)
				p := s.c.Instances(name, false)[0]
				if s.hidden[p.Node.Name] {
					continue
				}
				switch second % 3 {
				case 0:
					s.change(func() { s.c.SetCheck(p.Node.Name, p.ID, "critical") })
				case 1:
					s.change(func() { s.c.Register(p.Node.Name, catalog.Instance{ID: name, Service: name, Port: second}) })
				case 2:
					s.change(func() { s.c.Register("n1", catalog.Instance{ID: name, Service: name, Port: second}) })
				}
				churn(size.each)
				if got, want := s.told[service(i)], s.visible(service(i)); got != want && s.states[service(i)].failures == 0 {
					t.Errorf("second %d: told %q, true is %q after %v", second, got, want, size.each)
				}
			}
			if rate := (s.reads + s.returns - before) / int(s.now.Sub(began).Seconds()); rate > size.rate {
				t.Errorf("%d requests a second, at most %d are promised", rate, size.rate)
			} else {
				t.Logf("%d requests a second", rate)
			}
		})
	}
}

// TestNodeComesAndGoes: a node that comes and goes between two replies for the
// list of nodes leaves no instance behind in what was read meanwhile.
func TestNodeComesAndGoes(t *testing.T) {
	seed := newSeed(t)
	for _, size := range sizes[:2] {
		t.Run(size.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 8))
			s := newSimulation(t, populate(random, size.services, size.nodes), size.room, random)
			for i := range size.services {
				s.d.Add(service(i), s.now)
			}
			s.c.SetNodeCheck("n0", "critical") // an empty list ends at every change
			s.c.SetNodeCheck("n1", "warning")
			s.run(20 * time.Second)
			pause := func() { s.run(time.Duration(random.IntN(20)) * time.Millisecond) }
			for round := range 30 {
				for n := range 20 {
					node, name := fmt.Sprint("new", n), fmt.Sprint("s", random.IntN(size.services))
					s.change(func() { s.c.Register(node, catalog.Instance{ID: name, Service: name, Port: 1}) })
					pause()
					s.change(func() { // and so have it read
						s.c.Register(s.c.Instances(name, false)[0].Node.Name, catalog.Instance{ID: name, Service: name, Port: 100 + n})
					})
					pause()
					s.change(func() { s.c.DropNode(node) })
					pause()
				}
				s.run(5*time.Second + size.promise)
				s.check(fmt.Sprint("round ", round))
			}
		})
	}
}

// TestCheckFailsAndRecovers: a check that fails and recovers between two replies for
// the lists of checks is not shown as failing by what was read meanwhile.
func TestCheckFailsAndRecovers(t *testing.T) {
	seed := newSeed(t)
	for _, size := range sizes[:2] {
		t.Run(size.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 9))
			s := newSimulation(t, populate(random, size.services, size.nodes), size.room, random)
			for i := range size.services {
				s.d.Add(service(i), s.now)
			}
			s.run(20 * time.Second)
			pause := func() { s.run(time.Duration(random.IntN(20)) * time.Millisecond) }
			for round := range 10 {
				for n := range 20 {
					name := fmt.Sprint("s", random.IntN(size.services))
					p := s.c.Instances(name, false)[0]
					s.change(func() { s.c.SetCheck(p.Node.Name, p.ID, []string{"critical", "warning"}[n%2]) })
					pause()
					s.change(func() { // and so have it read
						s.c.Register(p.Node.Name, catalog.Instance{ID: p.ID, Service: name, Port: 100 + n})
					})
					pause()
					s.change(func() { s.c.SetCheck(p.Node.Name, p.ID, "passing") })
					pause()
				}
				s.run(size.promise)
				s.check(fmt.Sprint("round ", round))
			}
		})
	}
}

// TestQuiet: where nothing changes, there is the base sweep and nothing else.
func TestQuiet(t *testing.T) {
	for _, size := range sizes {
		t.Run(size.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			s := newSimulation(t, populate(random, size.services, size.nodes), size.room, random)
			for i := range size.services {
				s.d.Add(service(i), s.now)
			}
			s.run(time.Minute)
			reads := s.reads
			s.run(BaseSweep)
			if got := s.reads - reads; got > size.services+size.services/10 {
				t.Errorf("%d reads of %d services", got, size.services)
			}
			for _, u := range s.d.queries {
				if at := s.now.Sub(u.read); at > BaseSweep+time.Minute && !u.held {
					t.Errorf("%v was read %v ago", u.source.Query.Value(), at)
				}
			}
		})
	}
}

// TestFailure: while a blocking query fails, everything is read again, and what
// was missed is seen.
func TestFailure(t *testing.T) {
	for _, kind := range []Kind{Critical, Warning, Nodes, Services, Node} {
		for _, size := range []size{sizes[0], sizes[1], sizes[3]} {
			t.Run(fmt.Sprint(kind, ", ", size.name), func(t *testing.T) {
				random := rand.New(rand.NewPCG(3, 4))
				s := newSimulation(t, populate(random, size.services, size.nodes), size.room, random)
				for i := range size.services {
					s.d.Add(service(i), s.now)
				}
				s.run(20 * time.Second)
				s.fail(kind)
				for range 60 {
					s.run(time.Second)
					s.change(func() { s.c.Change(random, "s", size.services, size.nodes) })
				}
				s.run(90 * time.Second)
				s.check("while it fails")
				s.away[kind] = false
				s.run(2*time.Second + size.promise)
				s.check("afterwards")
			})
		}
	}
}

// TestIndexGoesBack: the data of a cluster that was restored is read anew.
func TestIndexGoesBack(t *testing.T) {
	for _, size := range sizes {
		t.Run(size.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(5, 6))
			s := newSimulation(t, populate(random, size.services, size.nodes), size.room, random)
			for i := range size.services {
				s.d.Add(service(i), s.now)
			}
			s.run(20 * time.Second)
			s.change(func() {
				for range 100 {
					s.c.Change(random, "s", size.services, size.nodes)
				}
				s.c.Forget()
			})
			s.run(70 * time.Second) // each is read again, at the pace of the bucket
			s.check("restored")
		})
	}
}

// TestComeAndGo: queries come and go in the middle of changes.
func TestComeAndGo(t *testing.T) {
	seed := newSeed(t)
	for _, size := range sizes {
		t.Run(size.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			s := newSimulation(t, populate(random, size.services, size.nodes), size.room, random)
			for range 300 {
				id := service(random.IntN(size.services))
				switch random.IntN(4) {
				case 0:
					s.d.Remove(id, s.now)
				case 1:
					s.d.SetRoom(1+random.IntN(size.room), s.now)
				default:
					s.d.Add(id, s.now)
				}
				s.run(time.Duration(random.IntN(50)) * time.Millisecond)
				s.change(func() { s.c.Change(random, "s", size.services, size.nodes) })
			}
			s.d.SetRoom(size.room, s.now)
			s.run(10 * time.Second)
			s.check("at the end")
		})
	}
}

// TestRights: rights go and come back, of all nodes, of some, or of some services,
// while things change and reads are under way. What the token may not read any
// more has failed soon, and what it may read again is current soon.
func TestRights(t *testing.T) {
	seed := newSeed(t)
	for _, size := range []size{
		{"all nodes held", 60, 12, 100, time.Second, 0, 0},
		{"nodes swept", 60, 20, 8, 3 * time.Second, 0, 0},
		{"services held and swept", 40, 60, 10, 6 * time.Second, 0, 0},
	} {
		t.Run(size.name, func(t *testing.T) {
			for n := range 8 {
				random := rand.New(rand.NewPCG(seed, uint64(n)))
				s := newSimulation(t, populate(random, size.services, size.nodes), size.room, random)
				s.wait = 20 * time.Second
				for i := range size.services {
					s.d.Add(service(i), s.now)
					if i%5 == 0 {
						s.d.Add(proxy(i), s.now)
					}
				}
				s.run(20 * time.Second)
				change := func() { // or nothing, so that no list is read meanwhile
					for range random.IntN(20) * random.IntN(2) {
						s.run(time.Duration(random.IntN(100)) * time.Millisecond)
						s.change(func() { s.c.Change(random, "s", size.services, size.nodes) })
					}
				}
				for round := range 6 {
					for range random.IntN(4) {
						s.hide(size)
						change()
						s.run(time.Duration(random.IntN(8)) * time.Second)
						clear(s.hidden)
						change()
						s.run(time.Duration(random.IntN(8)) * time.Second)
					}
					s.hide(size)
					change()
					s.run(40 * time.Second)
					s.checkDenied(fmt.Sprintf("run %d, round %d", n, round))
					clear(s.hidden)
					change()
					s.run(40 * time.Second)
					s.check(fmt.Sprintf("run %d, round %d", n, round))
				}
			}
		})
	}
}

// TestFlipWhileHidden: a check becomes passing while the token may not read its
// node, for a moment that the list of nodes does not notice. The answer did not show
// the instance before, nor meanwhile.
func TestFlipWhileHidden(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := newSimulation(t, populate(random, 60, 12), 100, random)
	s.wait = 20 * time.Second
	for i := range 60 {
		s.d.Add(service(i), s.now)
	}
	p := s.c.Instances("s1", false)[0]
	s.change(func() { s.c.SetCheck(p.Node.Name, p.ID, "critical") })
	s.run(40 * time.Second)
	s.hidden[p.Node.Name] = true
	other := s.c.Instances("s2", false)[0]
	s.change(func() { s.c.SetCheck(other.Node.Name, other.ID, "critical") }) // so that the list of checks is read
	s.run(time.Second)
	s.change(func() { s.c.SetCheck(p.Node.Name, p.ID, "passing") })
	s.run(time.Second)
	clear(s.hidden)
	s.run(40 * time.Second)
	s.check("in the end")
}

// hide takes rights away: of all nodes, of some, or of some services; or the same
// as before.
func (s *simulation) hide(size size) {
	most, name := size.nodes, "n"
	switch s.random.IntN(6) {
	case 4, 5:
		maps.Copy(s.hidden, s.hid)
	case 0:
		most, name = size.services, "s"
		fallthrough
	case 1:
		for range 1 + s.random.IntN(most) {
			s.hidden[fmt.Sprint(name, s.random.IntN(most))] = true
		}
	default:
		for i := range most {
			s.hidden[fmt.Sprint(name, i)] = true
		}
	}
	s.hid = maps.Clone(s.hidden)
}

// checkDenied looks for what the token may not read any more of what was told.
func (s *simulation) checkDenied(when string) {
	s.t.Helper()
	for id, text := range s.told {
		if visible := s.visible(id); s.states[id].failures == 0 && text != visible {
			s.t.Fatalf("%s: %v: told %q, may read %q, and nothing failed", when, id.Value(), text, visible)
		}
	}
}
