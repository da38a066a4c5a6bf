package consul

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/agent"
	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/consul/plan"
)

// TestForgive: a prefix that was denied is tried again after ten minutes, so that
// a mended policy is noticed.
func TestForgive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, keys := newWorld(), queriesNamed(160, keyNamed, "app/%03d")
		w.fill(keys)
		var allowed atomic.Bool
		w.mayList = func(string) bool { return allowed.Load() }
		n := observe(t, w, DefaultOptions())
		n.watch(keys...)
		time.Sleep(30 * time.Second)
		n.check(t)
		if got := n.s.way(keys[0]); got == plan.Prefix {
			t.Fatalf("a key is kept by %s, which the token may not do", got)
		}
		time.Sleep(11 * time.Minute) // still denied: the keys are read all the same
		n.check(t)
		allowed.Store(true)
		time.Sleep(11 * time.Minute)
		n.check(t)
		if got := n.s.way(keys[0]); got != plan.Prefix {
			t.Errorf("a key is kept by %s", got)
		}
		before := w.requests()
		time.Sleep(time.Minute)
		if got := w.requests() - before; got > 20 {
			t.Errorf("%d requests a minute", got)
		}
	})
}

// notices collects what Options.Notice is told.
func notices(o *Options) *atomic.Pointer[[]string] {
	var told atomic.Pointer[[]string]
	told.Store(&[]string{})
	o.Notice = func(err error) {
		list := append(slices.Clone(*told.Load()), err.Error())
		told.Store(&list)
	}
	return &told
}

// TestFiltered: a reply that says of itself that something was left out, and has
// less than before, is no answer, however the query is kept.
func TestFiltered(t *testing.T) {
	for _, services := range []int{5, 300} {
		t.Run(fmt.Sprint(services), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, list := newWorld(), queriesNamed(services, serviceNamed, "s%d")
				w.change(func() {
					for i, q := range list {
						w.register(q.Name, i)
					}
				})
				n := observe(t, w, DefaultOptions())
				n.watch(list...)
				time.Sleep(10 * time.Second)
				n.check(t)
				w.change(func() { w.filter = true; w.register("s1", 7000) })
				time.Sleep(5 * time.Second)
				sink := n.sinks[list[1]]
				if text, _ := sink.said(); text != fmt.Sprint("failed: ", watch.Denied) || sink.saidEver("[]") > 0 {
					t.Errorf("the query was told %q, and %d times that there is nothing", text, sink.saidEver("[]"))
				}
				w.change(func() { w.filter = false })
				time.Sleep(2 * time.Minute)
				n.check(t)
			})
		})
	}
}

// TestFilteredOfEveryKind: so it is for every kind of query of which a part may be
// left out, and the right that is missing is named.
func TestFilteredOfEveryKind(t *testing.T) {
	const (
		web  = `{"Node":{"Node":"n1"},"Service":{"ID":"web","Service":"web"},"Checks":[]}`
		node = `{"Node":{"Node":"n1"},"Services":{"a":{"ID":"a","Service":"a"}%s}}`
	)
	for _, test := range []struct {
		query       watch.Query
		whole, part string
		right       string
	}{
		{treeNamed("app"), `[{"Key":"app/a","Value":""},{"Key":"app/b","Value":""}]`, `[{"Key":"app/a","Value":""}]`,
			`key_prefix "app" { policy = "read" }`},
		{serviceNamed("web"), "[" + web + "," + strings.Replace(web, "n1", "n2", 1) + "]", "[" + web + "]",
			`service "web" { policy = "read" } and node_prefix "" { policy = "read" }`},
		{watch.Query{Kind: watch.ConnectHealth, Name: "web"}, "[" + web + "]", "[]",
			`service "web" { policy = "read" } and node_prefix "" { policy = "read" }`},
		{watch.Query{Kind: watch.ServiceList}, `{"a":[],"b":[]}`, `{"a":[]}`, `service_prefix "" { policy = "read" } and node_prefix "" { policy = "read" }`},
		{watch.Query{Kind: watch.NodeList}, `[{"Node":"a"},{"Node":"b"}]`, `[{"Node":"a"}]`, `node_prefix "" { policy = "read" }`},
		{watch.Query{Kind: watch.NodeServices, Name: "n1"}, fmt.Sprintf(node, `,"b":{"ID":"b","Service":"b"}`), fmt.Sprintf(node, ""),
			`node "n1" { policy = "read" } and service_prefix "" { policy = "read" }`},
		{watch.Query{Kind: watch.NodeServices, Name: "n1"}, fmt.Sprintf(node, ""), `null`,
			`node "n1" { policy = "read" } and service_prefix "" { policy = "read" }`},
		{watch.Query{Kind: watch.PeeringList}, `[{"Name":"a"},{"Name":"b"}]`, `[{"Name":"a"}]`, `peering = "read"`},
		{watch.Query{Kind: watch.ExportedServiceList, Name: "default"}, `[{"Service":"a"},{"Service":"b"}]`, `[{"Service":"a"}]`, `service_prefix "" { policy = "read" }`},
		{watch.Query{Kind: watch.ImportedServiceList, Name: "default"}, `[{"Service":"a"},{"Service":"b"}]`, `[{"Service":"a"}]`, `service_prefix "" { policy = "read" }`},
	} {
		t.Run(fmt.Sprint(test.query), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var lost atomic.Bool
				s, _ := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
					switch {
					case lost.Load():
						return agent.Respond(200, test.part, append(agent.Index("6"), "X-Consul-Results-Filtered-By-ACLs", "true")...)
					case r.FormValue("index") != "":
						time.Sleep(time.Second)
						fallthrough
					default:
						return agent.Respond(200, test.whole, agent.Index("5")...)
					}
				})
				r := watchtest.NewRecorder(t)
				s.Watch(watch.Subscription{ID: test.query.ID(), Sink: r})
				time.Sleep(500 * time.Millisecond)
				lost.Store(true)
				time.Sleep(time.Minute)
				events := r.Events()
				if len(events) < 2 || events[0].Err != nil {
					t.Fatalf("the query was told %v", events)
				}
				for _, e := range events[1:] {
					if watch.Classify(e.Err) != watch.Denied || !strings.HasSuffix(e.Err.Error(), "; the token needs "+test.right) {
						t.Fatalf("the query was told %v, %v", e.Answer.Data, e.Err)
					}
				}
			})
		})
	}
}

// TestFilteredAtFirst: what was never whole is an answer, and one notice says what
// the token needs.
func TestFilteredAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.change(func() { w.register("s1", 80); w.filter = true })
		o := DefaultOptions()
		told := notices(&o)
		n := observe(t, w, o)
		n.watch(serviceNamed("s1"), serviceNamed("s2"))
		time.Sleep(10 * time.Second)
		if text, _ := n.sinks[serviceNamed("s1")].said(); text != "[]" {
			t.Errorf("the query was told %q", text)
		}
		list := *told.Load()
		if len(list) != 1 || !strings.Contains(list[0], `{ policy = "read" } and node_prefix "" { policy = "read" }`) {
			t.Errorf("notices %q", list)
		}
	})
}

// TestQuietView: while the servers cannot be reached, or the token is gone, the
// agent goes on answering blocking queries for services. The query is told all
// the same.
func TestQuietView(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"no servers": func(w *world) { w.stuck = true },
		"no token":   func(w *world) { w.denied = true },
	} {
		for _, services := range []int{3, 300} {
			t.Run(fmt.Sprint(name, ", ", services), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, list := newWorld(), queriesNamed(services, serviceNamed, "s%d")
					w.change(func() {
						for i, q := range list {
							w.register(q.Name, i)
						}
					})
					n := observe(t, w, DefaultOptions())
					n.watch(list...)
					time.Sleep(2 * time.Minute)
					n.check(t)
					w.change(func() { spoil(w); w.register("s1", 7000) })
					time.Sleep(40 * time.Second)
					for _, q := range list {
						if text, _ := n.sinks[q].said(); !strings.HasPrefix(text, "failed") {
							t.Fatalf("%v was told %q", q, text)
						}
					}
					w.change(func() { w.stuck, w.denied = false, false })
					time.Sleep(70 * time.Second)
					n.check(t)
				})
			})
		}
	}
}

// TestProxyCuts: behind a proxy that cuts what waits for longer than half a
// minute, no query fails; one notice says what to set.
func TestProxyCuts(t *testing.T) {
	for name, cut := range map[string]func() (*http.Response, error){
		"hangs up": func() (*http.Response, error) { return nil, errors.New("EOF") },
		"says so":  func() (*http.Response, error) { return agent.Respond(http.StatusGatewayTimeout, "upstream timed out") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				keys := queriesNamed(20, keyNamed, "app/%02d")
				w.fill(keys)
				o := DefaultOptions()
				told := notices(&o)
				s, _ := runStub(t, o, func(r *http.Request) (*http.Response, error) {
					reply := make(chan struct{})
					var resp *http.Response
					var err error
					go func() {
						defer close(reply)
						resp, err = w.RoundTrip(r)
					}()
					select {
					case <-reply:
						return resp, err
					case <-time.After(30 * time.Second):
						return cut()
					}
				})
				n := &observer{s: s, w: w, sinks: make(map[watch.Query]*newest)}
				n.watch(keys...)
				time.Sleep(10 * time.Minute)
				for q, sink := range n.sinks {
					if got := sink.saidEver(fmt.Sprint("failed: ", watch.Retry)); got > 0 {
						t.Errorf("%v failed %d times", q, got)
					}
				}
				n.check(t)
				if list := *told.Load(); len(list) != 1 || !strings.Contains(list[0], "set block_query_wait to less than 30s") {
					t.Errorf("notices %q", list)
				}
			})
		})
	}
}
