package consul

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/agent"
	"restencil/watch"
	"restencil/watch/consul/plan"
)

// A requestLog counts the requests to a world.
type requestLog struct {
	w  *world
	mu sync.Mutex

	reads, holds map[string]int // so far, by path: those that wait for news, and those that do not
	waiting      map[string]int // of holds, at the moment, by the path without its last part
}

func (l *requestLog) RoundTrip(r *http.Request) (*http.Response, error) {
	kind := r.URL.Path[:strings.LastIndex(r.URL.Path, "/")]
	count := func(n int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !r.URL.Query().Has("index") {
			l.reads[r.URL.Path] += max(0, n)
			return
		}
		l.holds[r.URL.Path] += max(0, n)
		l.waiting[kind] += n
	}
	count(1)
	defer count(-1)
	return l.w.RoundTrip(r)
}

func (l *requestLog) asked(path string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads[path] + l.holds[path]
}

func (l *requestLog) wait(kind string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting[kind]
}

const selfPath = "/v1/agent/self"

// observed runs a source on w until the test ends.
func observed(t *testing.T, w *world, o Options) (*observer, *requestLog) {
	l := &requestLog{w: w, reads: make(map[string]int), holds: make(map[string]int), waiting: make(map[string]int)}
	s, _ := runStub(t, o, l.RoundTrip)
	return &observer{s: s, w: w, sinks: make(map[watch.Query]*newest)}, l
}

// serve has so many services, on so many nodes.
func (w *world) serve(n, nodes int) []watch.Query {
	services := queriesNamed(n, serviceNamed, "s%d")
	w.change(func() {
		for i, q := range services {
			w.catalog.Register(fmt.Sprint("node", i%nodes), instanceOf(q.Name, i))
		}
	})
	return services
}

// TestRaisedLimit: where the agent accepts more connections, each service has a blocking
// query of its own, from the beginning. Keys share requests as ever.
func TestRaisedLimit(t *testing.T) {
	for _, limit := range []int{2000, 0} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.limit = limit
				services, keys := w.serve(200, 72), queriesNamed(300, keyNamed, "app/%03d")
				w.fill(keys)
				n, l := observed(t, w, DefaultOptions())
				n.watch(append(keys, services...)...)
				time.Sleep(time.Second)
				n.check(t)
				if way := n.s.way(services[199]); way != plan.Blocking {
					t.Errorf("a service is kept by %s", way)
				}
				if way := n.s.way(keys[0]); way != plan.Prefix {
					t.Errorf("a key is kept by %s", way)
				}
				synctest.Wait()
				for _, q := range services {
					if got := l.reads["/v1/health/service/"+q.Name]; got != 1 {
						t.Errorf("%s: read %d times", q.Name, got)
					}
				}
				if got := l.asked("/v1/catalog/nodes"); got > 0 { // no discovery
					t.Errorf("%d requests for nodes", got)
				}
				if got := n.s.Inspect().Kept[services[0].ID()]; got != string(plan.Blocking) {
					t.Errorf("inspect: a service is kept by %s", got)
				}
				w.change(func() { w.catalog.Register("node7", instanceOf("s7", 7000)); w.catalog.Deregister("node8", "s8") })
				time.Sleep(100 * time.Millisecond)
				n.check(t)
				if got := l.asked(selfPath); got != 1 {
					t.Errorf("the agent was asked %d times", got)
				}
			})
		})
	}
}

// TestLimitUnknown: while the agent does not say its limit, and while it does not have a
// higher one, all is as it is by default.
func TestLimitUnknown(t *testing.T) {
	for _, test := range []struct {
		name   string
		set    func(*Options)
		status int
		reply  string
		delay  time.Duration
		asked  int // in three minutes
	}{
		{"no right", nil, 403, "Permission denied", 0, 1},
		{"no such field", nil, 200, `{"Config": {}}`, 0, 1},
		{"absurd", nil, 200, `{"DebugConfig": {"HTTPMaxConnsPerClient": -7}}`, 0, 1},
		{"the default", nil, 200, `{"DebugConfig": {"HTTPMaxConnsPerClient": 200}}`, 0, 1},
		{"a low one", nil, 200, `{"DebugConfig": {"HTTPMaxConnsPerClient": 1}}`, 0, 1},
		{"not JSON", nil, 200, "<html>", 0, 3},
		{"not a number", nil, 200, `{"DebugConfig": {"HTTPMaxConnsPerClient": "many"}}`, 0, 3},
		{"broken", nil, 500, "rpc error", 0, 3},
		{"never answers", nil, 200, "", time.Hour, 3},
		{"configured", func(o *Options) { o.MaxConnections = 128 }, 200, `{"DebugConfig": {"HTTPMaxConnsPerClient": 2000}}`, 0, 0},
		{"connections configured", func(o *Options) { o.Transport.MaxConnsPerHost = 120 }, 200, `{"DebugConfig": {"HTTPMaxConnsPerClient": 2000}}`, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.self = func(r *http.Request) (*http.Response, error) {
					select {
					case <-time.After(test.delay):
					case <-r.Context().Done():
						return nil, r.Context().Err()
					}
					return agent.Respond(test.status, test.reply)
				}
				services := w.serve(140, 72)
				var log bytes.Buffer
				o := DefaultOptions()
				o.Log = slog.New(slog.NewTextHandler(&log, nil))
				if test.set != nil {
					test.set(&o)
				}
				n, l := observed(t, w, o)
				n.watch(services...)
				time.Sleep(4 * time.Second)
				n.check(t)
				if way := n.s.way(services[0]); way != plan.Discovery {
					t.Errorf("a service is kept by %s", way)
				}
				w.change(func() { w.catalog.Register("node7", instanceOf("s7", 7000)) })
				time.Sleep(time.Second)
				n.check(t)
				time.Sleep(3*time.Minute - 5*time.Second)
				synctest.Wait()
				if got := l.asked(selfPath); got != test.asked {
					t.Errorf("the agent was asked %d times", got)
				}
				if w.most > 128 || w.refused > 0 {
					t.Errorf("%d requests at a time, %d refused", w.most, w.refused)
				}
				if log.Len() > 0 {
					t.Errorf("the log has\n%s", log.String())
				}
			})
		})
	}
}

// TestLimitChanges: an agent may be restarted with another limit.
func TestLimitChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		services := w.serve(200, 72)
		n, l := observed(t, w, DefaultOptions())
		n.watch(services...)
		restart := func(limit int) {
			t.Helper()
			w.change(func() { w.away, w.limit = true, limit })
			time.Sleep(3 * time.Second)
			w.change(func() { w.away = false; w.catalog.Register("node7", instanceOf("s7", limit)) })
			time.Sleep(30 * time.Second)
			n.check(t)
		}
		expect := func(want plan.Way) {
			t.Helper()
			synctest.Wait()
			refused := w.refused
			w.change(func() { w.catalog.Register("node9", instanceOf("s9", w.limit)) })
			time.Sleep(2 * time.Second)
			synctest.Wait()
			n.check(t)
			if way := n.s.way(services[0]); way != want || w.refused != refused {
				t.Errorf("a service is kept by %s, %d requests were refused", way, w.refused-refused)
			}
		}
		time.Sleep(time.Second)
		expect(plan.Discovery)
		restart(2000)
		time.Sleep(11 * time.Minute)
		expect(plan.Blocking)
		if got := l.asked(selfPath); got != 2 {
			t.Errorf("the agent was asked %d times in twelve minutes", got)
		}
		restart(200)
		expect(plan.Discovery)
		time.Sleep(11 * time.Minute)
		expect(plan.Discovery)
		restart(1000)
		time.Sleep(11 * time.Minute)
		expect(plan.Blocking)
	})
}

// TestRaisedLimitRefused: what others have of the agent's connections is respected.
func TestRaisedLimitRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit = 180
		w.self = func(*http.Request) (*http.Response, error) {
			return agent.Respond(200, `{"DebugConfig": {"HTTPMaxConnsPerClient": 1500}}`)
		}
		services, s := w.serve(200, 72), newServer(t, w)
		n, _ := s.start(t)
		n.watch(services...)
		time.Sleep(time.Minute)
		n.check(t)
		time.Sleep(5 * time.Minute)
		if way, refused := n.s.way(services[0]), s.refusals(); way != plan.Discovery || refused > 200 {
			t.Errorf("a service is kept by %s, %d requests were refused", way, refused)
		}
		s.setLimit(1500)
		time.Sleep(11 * time.Minute)
		n.check(t)
		if way := n.s.way(services[0]); way != plan.Blocking {
			t.Errorf("a service is kept by %s in the end", way)
		}
	})
}

// TestRaisedLimitForNodes: with more services than connections, each node has a blocking
// query, and nothing is swept.
func TestRaisedLimitForNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit = 2000
		services := w.serve(2000, 212)
		n, l := observed(t, w, DefaultOptions())
		n.watch(services...)
		time.Sleep(10 * time.Second)
		n.check(t)
		if got := l.wait("/v1/catalog/node-services"); got != 212 {
			t.Errorf("%d nodes have a request of 212", got)
		}
		if got := l.asked("/v1/catalog/services"); got > 0 {
			t.Errorf("%d requests for services", got)
		}
		for i := range 20 {
			w.change(func() { w.catalog.Register(fmt.Sprint("node", 10*i), instanceOf(fmt.Sprint("s", 10*i), 7000+i)) })
			time.Sleep(300 * time.Millisecond)
			n.check(t)
		}
	})
}

// TestFewBeginAmongMany: where few queries have a blocking query of their own, it begins as
// soon as there is an answer, however many others share requests.
func TestFewBeginAmongMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		services, keys := w.serve(10, 10), queriesNamed(5000, keyNamed, "app/%04d")
		w.fill(keys)
		n, _ := observed(t, w, DefaultOptions())
		n.watch(append(keys, services...)...)
		time.Sleep(500 * time.Millisecond)
		w.change(func() { w.catalog.Register("node7", instanceOf("s7", 7000)) })
		time.Sleep(100 * time.Millisecond)
		n.check(t)
	})
}

// TestRaisedLimitForScopes: the agent is also asked where no datacenter has so many
// services that they would share requests.
func TestRaisedLimitForScopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit = 2000
		var services []watch.Query
		for i := range 40 {
			for _, q := range w.serve(4, 4) {
				q.Datacenter = fmt.Sprint("dc", i)
				services = append(services, q)
			}
		}
		n, _ := observed(t, w, DefaultOptions())
		n.watch(services...)
		time.Sleep(time.Second)
		n.check(t)
		if way := n.s.way(services[159]); way != plan.Blocking {
			t.Errorf("a service is kept by %s", way)
		}
	})
}

// TestSilentAboutLimit: only what would share requests waits for the agent's limit, and
// what is no longer watched then is not asked for.
func TestSilentAboutLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.self = func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		services, keys := w.serve(200, 72), queriesNamed(300, keyNamed, "app/%03d")
		w.fill(keys)
		n, l := observed(t, w, DefaultOptions())
		n.watch(append(keys, services[:100]...)...)
		time.Sleep(100 * time.Millisecond)
		n.check(t)
		n.watch(services[100:]...)
		n.unwatch(services[150:]...)
		w.change(func() { w.catalog.Register("node7", instanceOf("s7", 7000)) })
		w.set("app/100", "new")
		time.Sleep(100 * time.Millisecond)
		if got, _ := n.sinks[services[7]].said(); got != "[7000]" {
			t.Errorf("while the agent is asked: said %q", got)
		}
		if got, _ := n.sinks[keys[100]].said(); got != "new" {
			t.Errorf("while the agent is asked: said %q", got)
		}
		time.Sleep(limitTimeout + time.Second)
		n.check(t)
		if got := l.asked("/v1/health/service/s199"); got > 0 {
			t.Errorf("%d requests for what is not watched", got)
		}
	})
}

// TestLowerLimitAfterRestart: an agent that is restarted with a lower limit is soon asked
// for less, and each service is seen all the time.
func TestLowerLimitAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit = 2000
		services, s := w.serve(500, 72), newServer(t, w)
		n, _ := s.start(t)
		n.watch(services...)
		time.Sleep(2 * time.Second)
		n.check(t)
		w.change(func() { w.away = true })
		s.setLimit(200)
		time.Sleep(3 * time.Second)
		w.change(func() { w.away = false })
		time.Sleep(2 * time.Second)
		refused := s.refusals()
		for i := range 100 {
			w.change(func() { w.catalog.Register(fmt.Sprint("node", (5*i)%72), instanceOf(fmt.Sprint("s", 5*i), 7000+i)) })
		}
		time.Sleep(2 * time.Second)
		n.check(t)
		if got := s.refusals(); got > refused || refused > 500 {
			t.Errorf("%d requests were refused, and then %d", refused, got-refused)
		}
	})
}

// TestServicesComeAndGo: services that are added one by one, and go again, are read once
// each where the agent has room for all; else again only when the way changes.
func TestServicesComeAndGo(t *testing.T) {
	for limit, most := range map[int]int{2000: 0, 200: 2, 600: 2} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.limit = limit
				services := w.serve(600, 72)
				n, l := observed(t, w, DefaultOptions())
				n.watch(services[:100]...)
				synctest.Wait() // Run makes the plan
				changes, way := 0, n.s.way(services[0])
				look := func() {
					time.Sleep(300 * time.Millisecond)
					if now := n.s.way(services[0]); now != way {
						way = now
						changes++
					}
				}
				for _, q := range services[100:] {
					n.watch(q)
					look()
				}
				n.check(t)
				for i := range 500 {
					n.unwatch(services[599-i])
					look()
				}
				n.check(t)
				synctest.Wait()
				reads := 0
				for _, q := range services[:100] {
					reads += l.reads["/v1/health/service/"+q.Name]
				}
				if changes > most || reads > 100+200*most || w.refused > 0 {
					t.Errorf("%d changes of the way, %d reads of 100 services, %d requests refused", changes, reads, w.refused)
				}
			})
		})
	}
}

// TestRaisedLimitInTime: with a blocking query each, every change is seen at once,
// whatever is watched and changes meanwhile.
func TestRaisedLimitInTime(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range uint64(2) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, round))
			w := newWorld()
			w.limit, w.streams = 2000, round%2 == 0
			services := w.serve(500, 72)
			n, _ := observed(t, w, DefaultOptions())
			n.watch(services[:200]...)
			time.Sleep(2 * time.Second)
			for i := range 100 {
				for range random.IntN(5) {
					k := random.IntN(500)
					name := services[k].Name
					w.change(func() {
						switch random.IntN(4) {
						case 0:
							w.catalog.Deregister(fmt.Sprint("node", k%72), name)
						default:
							w.catalog.Register(fmt.Sprint("node", k%72), instanceOf(name, random.IntN(1000)))
						}
					})
					time.Sleep(time.Duration(random.IntN(8)) * time.Millisecond)
				}
				if i%10 == 0 {
					if q := services[200+random.IntN(300)]; n.sinks[q] == nil {
						n.watch(q)
					} else {
						n.unwatch(q)
					}
				}
				time.Sleep(150 * time.Millisecond)
				n.check(t)
			}
		})
	}
}
