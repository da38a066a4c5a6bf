package consul

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"restencil/watch/consul/plan"
)

// TestElectionBlanksNothing: whatever an agent makes of an election, no query
// is told that there is less than there is, however it is kept; and what is
// true afterwards is known soon.
func TestElectionBlanksNothing(t *testing.T) {
	for name, e := range map[string]election{"no leader": unaware, "an early state": behind, "no index": bare} {
		for _, size := range []struct {
			keys, services int
			way            plan.Way // of a service
		}{
			{5, 5, plan.Blocking},
			{300, 200, plan.Discovery},
		} {
			for _, stale := range []time.Duration{0, 2 * time.Second} {
				t.Run(fmt.Sprintf("%s, %s, max stale %v", name, size.way, stale), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { elect(t, e, size.keys, size.services, size.way, stale) })
				})
			}
		}
	}
}

func elect(t *testing.T, e election, keys, services int, way plan.Way, stale time.Duration) {
	w := newWorld()
	all := append(queriesNamed(keys, keyNamed, "app/%03d"), treeNamed("app/"))
	w.fill(all[:keys])
	for _, q := range queriesNamed(services, serviceNamed, "s%d") {
		w.change(func() { w.register(q.Name, 80) })
		all = append(all, q)
	}
	o := DefaultOptions()
	o.MaxStale = stale
	n := observe(t, w, o)
	n.watch(all...)
	time.Sleep(10 * time.Second)
	n.check(t)
	if got := n.s.way(all[len(all)-1]); got != way {
		t.Fatalf("a service is kept by %s", got)
	}
	for i := range 5 {
		before := w.requests()
		w.hold(e)
		time.Sleep(time.Duration(i) * 10 * time.Second)
		if got, most := w.requests()-before, 10*len(all)+100*i; got > most {
			t.Errorf("%d requests in election %d, want at most %d", got, i, most)
		}
		w.change(func() { w.election = over; w.keys["app/001"] = fmt.Sprint("new", i); w.register("s1", 81+i) })
		time.Sleep(3 * time.Second)
		n.check(t)
	}
	for _, q := range all {
		for _, nothing := range []string{inShort(nil), "[]", ""} {
			if n.sinks[q].saidEver(nothing) > 0 {
				t.Errorf("%v was told that there is %q", q, nothing)
			}
		}
	}
	w.change(func() { delete(w.keys, "app/002"); w.deregister("s2") })
	time.Sleep(3 * time.Second)
	n.check(t) // a true end is told
}

// TestStrayReply: what is read when it is named, and not to be believed, is read
// again at once and not when it is named next.
func TestStrayReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, services := newWorld(), queriesNamed(500, serviceNamed, "s%d")
		n := observe(t, w, DefaultOptions())
		n.watch(services...)
		time.Sleep(time.Minute)
		w.change(func() { w.register("s7", 80); w.stray = "/v1/health/service/s7" })
		time.Sleep(2 * time.Second)
		n.check(t)
		if w.stray != "" || n.s.way(services[7]) != plan.Discovery {
			t.Errorf("no reply went astray: %q", w.stray)
		}
	})
}

// TestHeldQueryFails: a service whose blocking query fails once has an answer again
// soon, though nothing has changed.
func TestHeldQueryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, services := newWorld(), queriesNamed(12, serviceNamed, "s%d") // on ten nodes
		w.change(func() {
			for i, q := range services {
				w.register(q.Name, i)
			}
		})
		o := DefaultOptions()
		o.MaxConnections = 8
		n := observe(t, w, o)
		n.watch(services...)
		time.Sleep(time.Minute)
		failed := 0
		for _, q := range services {
			w.change(func() { w.broken = "/v1/health/service/" + q.Name })
			time.Sleep(30 * time.Second)
			n.check(t)
			failed += n.sinks[q].saidEver("failed: 0")
		}
		if failed == 0 || n.s.way(services[0]) != plan.Discovery {
			t.Errorf("%d queries failed", failed)
		}
	})
}

// TestElectionAtFirst: a first answer is believed no more than a later one.
func TestElectionAtFirst(t *testing.T) {
	for name, e := range map[string]election{"no leader": unaware, "no index": bare} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.change(func() { w.register("web", 80); w.keys["k"] = "v" })
				w.hold(e)
				n := observe(t, w, DefaultOptions())
				n.watch(serviceNamed("web"), keyNamed("k"))
				time.Sleep(10 * time.Second)
				for q, sink := range n.sinks {
					if text, _ := sink.said(); text != "failed: 0" || len(sink.ever) != 1 {
						t.Errorf("%v was told %v", q, sink.ever)
					}
				}
				w.hold(over)
				time.Sleep(3 * time.Second)
				n.check(t)
			})
		})
	}
}

// TestLostData: a store that was restored from an earlier state is believed
// once the leader has confirmed it.
func TestLostData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(func() { w.register("web", 80); w.keys["k"] = "v"; w.index = 100 })
		n := observe(t, w, DefaultOptions())
		n.watch(serviceNamed("web"), keyNamed("k"))
		time.Sleep(time.Second)
		w.change(func() { w.away = true })
		time.Sleep(time.Minute)
		w.change(func() { w.away = false; w.index = 5; w.deregister("web"); w.catalog.Forget(); clear(w.keys) })
		time.Sleep(5 * time.Second)
		n.check(t)
	})
}
