package consul

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/consul/plan"
)

func keyNamed(name string) watch.Query     { return watch.Query{Kind: watch.KVGet, Name: name} }
func treeNamed(name string) watch.Query    { return watch.Query{Kind: watch.KVList, Name: name} }
func serviceNamed(name string) watch.Query { return watch.Query{Kind: watch.ServiceHealth, Name: name} }

func queriesNamed(n int, kind func(string) watch.Query, format string) []watch.Query {
	list := make([]watch.Query, n)
	for i := range list {
		list[i] = kind(fmt.Sprintf(format, i))
	}
	return list
}

// fill gives the world a value for each of the keys.
func (w *world) fill(keys []watch.Query) {
	w.change(func() {
		for i, q := range keys {
			w.keys[q.Name] = fmt.Sprint(i)
		}
	})
}

// TestRequestsAtRest: what a host asks for in an hour in which nothing changes. What the
// agent answers from its view costs the servers nothing; all else does.
func TestRequestsAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, services = 10, 5
		w, queries := newWorld(), queriesNamed(keys, keyNamed, "app/%02d")
		w.streams = true
		w.fill(queries)
		queries = append(queries, treeNamed("app/"))
		for _, q := range queriesNamed(services, serviceNamed, "s%d") {
			w.change(func() { w.register(q.Name, 80) })
			queries = append(queries, q)
		}
		counts := make(map[string]int)
		s, _ := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
			w.mu.Lock()
			switch query := r.URL.Query(); {
			case isView(r):
				counts["views"]++
			case query.Has("index"):
				counts["blocking queries"]++
			case query.Has("filter"):
				counts["witness"]++
			default:
				counts["reads"]++
			}
			w.mu.Unlock()
			return w.RoundTrip(r)
		})
		n := &observer{s: s, w: w, sinks: make(map[watch.Query]*newest)}
		n.watch(queries...)
		time.Sleep(time.Hour)
		n.check(t)
		w.mu.Lock()
		defer w.mu.Unlock()
		for what, most := range map[string]int{
			"views":            services * 63, // each is held for up to a minute
			"blocking queries": (keys + 1) * 63,
			"witness":          60 * 4,
			"reads":            len(queries) + services*12, // one of a service in five minutes
		} {
			if got := counts[what]; got == 0 || got > most {
				t.Errorf("%s: %d requests in an hour, want at most %d", what, got, most)
			}
		}
	})
}

func TestManyKeysShareRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, keys := newWorld(), queriesNamed(2000, keyNamed, "app/%04d")
		w.fill(keys[10:]) // ten are not there yet
		n := observe(t, w, DefaultOptions())
		n.watch(keys...)
		time.Sleep(time.Second)
		n.check(t)

		told := func() (all int) {
			for _, sink := range n.sinks {
				_, one := sink.said()
				all += one
			}
			return all
		}
		before := told()
		w.set("app/0700", "new")
		w.set("app/0003", "there")
		w.change(func() { delete(w.keys, "app/0900") })
		time.Sleep(time.Second)
		n.check(t)
		if got := told() - before; got != 3 {
			t.Errorf("%d queries were told of three changes", got)
		}
		if w.most > 128 || w.refused > 0 {
			t.Errorf("%d requests at a time, %d refused", w.most, w.refused)
		}
	})
}

// A query that joins a prefix watch which fails is told its last answer, and that it fails;
// those that were there are told nothing, which would end their failure.
func TestJoinAPrefixThatFails(t *testing.T) {
	s, _ := runStub(t, DefaultOptions(), newWorld().RoundTrip)
	p := newPrefixWatch(s, plan.Extent{Prefix: "app/"})
	join := func(key string) *watchtest.Recorder {
		sink := watchtest.NewRecorder(t)
		p.joined = []*subscription{{id: keyNamed(key).ID(), sink: sink}}
		p.change()
		return sink
	}
	first := join("app/1")
	p.Take(blocking.Reply{Data: []*watch.KeyPair{{Path: "app/1", Value: "one"}, {Path: "app/2", Value: "two"}}, Index: 10})
	p.Failed(&watch.Error{Query: p.requester.Query, Err: errors.New("no leader")})
	for _, sink := range []*watchtest.Recorder{first, join("app/2")} {
		events := sink.Events()
		if len(events) != 2 || events[0].Err != nil || events[1].Err == nil {
			t.Errorf("it was told %v", events)
		}
	}
}

// A query that has an answer gets no older one when others are to keep it current, or it gets a
// request of its own again, though the server that answers them first lags behind.
func TestNothingOlderAfterAMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, lagging, keys := newWorld(), newWorld(), queriesNamed(30, keyNamed, "app/%02d")
		w.fill(keys)
		lagging.fill(keys)
		var lags atomic.Bool
		o := DefaultOptions()
		o.MaxConnections = 8
		s, _ := runStub(t, o, func(r *http.Request) (*http.Response, error) {
			if q := r.URL.Query(); lags.Load() && q.Has("stale") && !q.Has("index") {
				return lagging.RoundTrip(r)
			}
			return w.RoundTrip(r)
		})
		n := &observer{s: s, w: w, sinks: make(map[watch.Query]*newest)}
		first := watchtest.NewRecorder(t)
		s.Watch(watch.Subscription{ID: keys[0].ID(), Sink: first})
		time.Sleep(time.Second)
		w.set(keys[0].Name, "new")
		time.Sleep(time.Second)
		lags.Store(true)
		n.watch(keys[1:]...)
		time.Sleep(time.Second)
		if got := s.way(keys[0]); got != plan.Prefix {
			t.Errorf("it is kept by %s", got)
		}
		n.unwatch(keys[1:]...)
		time.Sleep(time.Second)
		if got := s.way(keys[0]); got != plan.Blocking {
			t.Errorf("it is kept by %s", got)
		}
		var values []string
		for _, e := range first.Events() {
			if pair, _ := e.Answer.Data.(*watch.KeyPair); pair != nil {
				values = append(values, pair.Value)
			}
		}
		if got := strings.Join(slices.Compact(values), " "); got != "0 new" {
			t.Errorf("its values were %s", got)
		}
	})
}

func TestManyServicesShareRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, services := newWorld(), queriesNamed(500, serviceNamed, "s%d")
		w.change(func() {
			for i, q := range services {
				w.register(q.Name, i)
			}
		})
		n := observe(t, w, DefaultOptions())
		n.watch(services...)
		time.Sleep(time.Second)
		n.check(t)
		if got := n.s.way(services[0]); got != plan.Discovery {
			t.Errorf("a service is kept by %s", got)
		}
		for i := range 3 {
			w.change(func() { w.register("s7", 1000+i); w.deregister("s8") })
			time.Sleep(time.Second)
			n.check(t)
		}
		idle := w.requests()
		time.Sleep(4 * time.Minute)
		if got := w.requests() - idle; got > 300+100 { // what waits has to be asked anew, and there is the base sweep
			t.Errorf("%d requests in four minutes without a change", got)
		}
		n.unwatch(services...)
		time.Sleep(time.Second)
		if got := w.underWay(); got > 0 {
			t.Errorf("%d requests under way for nothing", got)
		}
	})
}

// TestFirstPauseOfServices: a program that ends as soon as it has its answers leaves
// no request behind, however many services there are.
func TestFirstPauseOfServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, services := newWorld(), queriesNamed(500, serviceNamed, "s%d")
		w.change(func() {
			for i, q := range services {
				w.register(q.Name, i)
			}
		})
		o := DefaultOptions()
		o.FirstPause = time.Second
		n := observe(t, w, o)
		n.watch(services...)
		time.Sleep(900 * time.Millisecond)
		n.check(t)
		if got := w.underWay(); got > 0 {
			t.Errorf("%d requests under way", got)
		}
		w.change(func() { w.register("s7", 7000); w.deregister("s8") })
		time.Sleep(2 * time.Second)
		n.check(t)
	})
}

// TestHotService: what changes again and again is followed, as fast as its node
// may be asked.
func TestHotService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, services := newWorld(), queriesNamed(500, serviceNamed, "s%d")
		n := observe(t, w, DefaultOptions())
		n.watch(services...)
		time.Sleep(time.Minute)
		for i := range 20 {
			w.change(func() { w.register("s77", i) })
			time.Sleep(150 * time.Millisecond)
			if i%4 == 3 {
				time.Sleep(550 * time.Millisecond)
				n.check(t)
			}
		}
	})
}

// TestChangeWhileReading: what changes while it is read is read again.
func TestChangeWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, services := newWorld(), queriesNamed(9, serviceNamed, "s%d")
		w.slow = 200 * time.Millisecond
		o := DefaultOptions()
		o.MaxConnections = 8
		n := observe(t, w, o)
		n.watch(services...)
		time.Sleep(time.Minute)
		for i := range 60 {
			w.change(func() { w.register("s0", 2*i) })
			time.Sleep(time.Duration(i) * 20 * time.Millisecond)
			w.change(func() { w.register("s0", 2*i+1) })
			time.Sleep(10 * time.Second)
			n.check(t)
		}
	})
}

// TestAgentAwayFromMany: what shares requests outlives an outage, and hears of
// it.
func TestAgentAwayFromMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		keys, services := queriesNamed(300, keyNamed, "app/%03d"), queriesNamed(100, serviceNamed, "s%d")
		w.fill(keys)
		n := observe(t, w, DefaultOptions())
		n.watch(append(keys, services...)...)
		time.Sleep(10 * time.Second)
		w.change(func() { w.away = true })
		time.Sleep(time.Minute)
		for _, q := range keys {
			if text, _ := n.sinks[q].said(); !strings.HasPrefix(text, "failed") {
				t.Fatalf("%v has not been told of the outage, but %q", q, text)
			}
		}
		w.change(func() { w.away = false; w.keys["app/007"] = "new"; w.register("s7", 7) })
		time.Sleep(10 * time.Second)
		n.check(t)
	})
}

func TestFormerOwnerHasNoSay(t *testing.T) {
	sink := &newest{}
	j := &subscription{id: key.ID(), sink: sink}
	before := &queryReceiver{sub: j}
	j.setOwner(before)
	j.setOwner(&queryReceiver{sub: j})
	before.Take(blocking.Reply{Data: &watch.KeyPair{Value: "old"}})
	before.Failed(&watch.Error{Query: key})
	if text, told := sink.said(); told != 0 {
		t.Errorf("the sink was told %q", text)
	}
}

func TestWhatMayNotBeListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, keys := newWorld(), queriesNamed(400, keyNamed, "app/%03d")
		w.fill(keys)
		w.mayList = func(prefix string) bool { return strings.HasPrefix(prefix, "app/1") }
		n := observe(t, w, DefaultOptions())
		n.watch(keys...)
		time.Sleep(30 * time.Second)
		n.check(t)
		w.set("app/001", "new")
		w.set("app/399", "new")
		w.set("app/150", "new")
		time.Sleep(10 * time.Second)
		n.check(t)
	})
}

func TestWhatMayNotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, keys := newWorld(), queriesNamed(400, keyNamed, "app/%03d")
		w.fill(keys)
		w.mayRead = func(key string) bool { return !strings.HasPrefix(key, "app/12") }
		n := observe(t, w, DefaultOptions())
		n.watch(keys...)
		time.Sleep(30 * time.Second)
		n.check(t)
	})
}

func TestMuchThatNobodyAskedFor(t *testing.T) {
	for _, size := range []int{2 << 10, 32 << 10, 512 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { wasteful(t, size) })
		})
	}
}

func (s *Source) placeOf(q watch.Query) plan.Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.plan.Place(q.ID())
}

// wasteful has blobs of that size among the keys.
func wasteful(t *testing.T, size int) {
	w, keys := newWorld(), queriesNamed(300, keyNamed, "app/%03d")
	w.fill(keys)
	w.change(func() {
		for i := range 40 {
			w.keys[fmt.Sprint("app/15/blob", i)] = strings.Repeat("x", size)
		}
	})
	n := observe(t, w, DefaultOptions())
	n.watch(keys...)
	time.Sleep(10 * time.Second)
	n.check(t)
	shared := func(want bool, beside int) {
		t.Helper()
		at := n.s.placeOf(keyNamed("app/150"))
		if shared := at.Way == plan.Prefix && strings.HasPrefix("app/15/blob", at.Extent.Prefix); shared != want {
			t.Errorf("a key is kept by %s, %q, beside %d bytes", at.Way, at.Extent.Prefix, beside)
		}
	}
	shared(size <= 2<<10, 40*size)
	w.change(func() {
		for i := range 40 {
			delete(w.keys, fmt.Sprint("app/15/blob", i))
		}
	})
	time.Sleep(11 * time.Minute)
	n.check(t)
	shared(true, 0)
}

// TestAgentWithLowLimit: refusals make the source do with less.
func TestAgentWithLowLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit = 20
		keys, services := queriesNamed(300, keyNamed, "app/%03d"), queriesNamed(100, serviceNamed, "s%d")
		w.fill(keys)
		s := newServer(t, w)
		n, _ := s.start(t)
		n.watch(append(keys, services...)...)
		time.Sleep(time.Minute)
		n.check(t)
		for i := range 10 {
			w.set("app/123", fmt.Sprint("new", i))
			time.Sleep(time.Minute)
		}
		n.check(t)
		if got := s.refusals(); got > 600 { // at first, and five times that it asks for more
			t.Errorf("%d requests were refused", got)
		}
	})
}

// TestFewAgain: what no longer need share does not.
func TestFewAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, keys := newWorld(), queriesNamed(300, keyNamed, "app/%03d")
		w.fill(keys)
		n := observe(t, w, DefaultOptions())
		n.watch(keys...)
		time.Sleep(time.Second)
		n.unwatch(keys[50:]...)
		time.Sleep(time.Second)
		w.set("app/001", "new")
		time.Sleep(time.Second)
		n.check(t)
		if got := n.s.way(keys[0]); got != plan.Blocking {
			t.Errorf("a key is kept by %s", got)
		}
		if got := w.underWay(); got != 50 {
			t.Errorf("%d requests under way for 50 keys", got)
		}
	})
}

// TestNoUpdateIsLost makes changes of the store and of the queries at random,
// in the middle of each other, and compares at the end.
func TestNoUpdateIsLost(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			chaos(t, rand.New(rand.NewPCG(seed, round)))
		})
	}
}

func chaos(t *testing.T, random *rand.Rand) {
	pool := append(queriesNamed(600, keyNamed, "app/%03d"), queriesNamed(80, serviceNamed, "s%d")...)
	pool = append(pool, queriesNamed(9, treeNamed, "app/%d")...)
	w := newWorld()
	o := DefaultOptions()
	o.MaxConnections = 8 + random.IntN(120)
	w.fill(pool[:300])
	n := observe(t, w, o)
	for range 300 {
		q := pool[random.IntN(len(pool))]
		switch random.IntN(10) {
		case 0:
			var some []watch.Query
			for _, q := range pool {
				if n.sinks[q] == nil && random.IntN(3) == 0 {
					some = append(some, q)
				}
			}
			n.watch(some...)
		case 1:
			for q := range n.sinks {
				if random.IntN(4) == 0 {
					n.unwatch(q)
				}
			}
		case 2:
			w.change(func() { delete(w.keys, q.Name) })
		case 3, 4:
			w.change(func() { w.register(fmt.Sprint("s", random.IntN(80)), random.IntN(1000)) })
		default:
			w.set(q.Name, fmt.Sprint(random.IntN(1000)))
		}
		time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
	}
	time.Sleep(time.Minute)
	n.check(t)
	// A request that is cancelled may end a little after the next has begun: what
	// bounds connections then is the transport (Options.Transport).
	synctest.Wait()
	if got := w.underWay(); got > o.MaxConnections {
		t.Errorf("%d requests at a time, %d were allowed", got, o.MaxConnections)
	}
}
