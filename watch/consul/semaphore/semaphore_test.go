package semaphore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/agent"
	"restencil/test/servers"
	"restencil/watch/blocking/requester"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
)

// newClient returns a client of a real Consul that allows many connections.
func newClient(t *testing.T) fetch.Requests {
	t.Helper()
	o := requester.DefaultOptions()
	o.NoEnvironment, o.MaxConnections = true, 2000
	o.Address = servers.Consul(t, servers.HCL("limits { http_max_conns_per_client = 2000 }")).Addr()
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return fetch.Requests{Client: c}
}

// TestFleet has a fleet of hosts change at the same time, and some of them die with
// their place. There are never more than the limit at once, and none waits for ever.
func TestFleet(t *testing.T) {
	const hosts, limit, dying = 200, 20, 6
	c := newClient(t)
	var now, most atomic.Int64
	var fleet sync.WaitGroup
	for i := range hosts {
		s := &Semaphore{Client: c, Prefix: "fleet/web", Limit: limit, Holder: fmt.Sprint("host-", i)}
		fleet.Go(func() {
			time.Sleep(rand.N(time.Second))
			place, err := s.Acquire(t.Context(), func(string) {})
			if err != nil {
				t.Error(err)
				return
			}
			if i < dying { // its session ends with the place held
				place.stop()
				if err := place.Held(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := c.Write(t.Context(), http.MethodPut, "/v1/session/destroy/"+place.session, nil, ""); err != nil {
					t.Error(err)
				}
				if err := place.Held(t.Context()); !errors.Is(err, errGone) {
					t.Errorf("after the end of the session: %v", err)
				}
				return
			}
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(rand.N(10 * time.Millisecond))
			now.Add(-1)
			place.Release()
		})
	}
	fleet.Wait()
	if most.Load() > limit {
		t.Errorf("%d hosts at a time, want at most %d", most.Load(), limit)
	}
	s := &Semaphore{Client: c, Prefix: "fleet/web", Limit: limit}
	if left, err := s.Holders(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("at the end there are holders %v, %v", left, err)
	}
}

// A fleet that is stopped waits until somebody has it go on, and knows why.
func TestStop(t *testing.T) {
	c := newClient(t)
	s := &Semaphore{Client: c, Prefix: "fleet/web", Limit: 1, Holder: "a"}
	if err := s.Stop(t.Context(), "rolled back"); err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 2)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		place, err := s.Acquire(t.Context(), func(why string) { told <- why })
		if err != nil {
			t.Error(err)
			return
		}
		place.Release()
	})
	if why := <-told; why != "a: rolled back" {
		t.Errorf("stopped because of %q", why)
	}
	if err := s.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	if why := <-told; why != "" {
		t.Errorf("stopped because of %q after it was resumed", why)
	}
}

// Who waits listens to the context, and leaves nothing behind.
func TestEndOfWaiting(t *testing.T) {
	c := newClient(t)
	s := &Semaphore{Client: c, Prefix: "fleet/web", Limit: 1, Holder: "a"}
	place, err := s.Acquire(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Acquire(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a place until the end of a context: %v", err)
	}
	if entries, _, err := s.entries(t.Context(), 0); len(entries) != 1 || err != nil {
		t.Errorf("there are %d entries, %v, want that of the holder", len(entries), err)
	}
	place.Release()
}

// TestHang: an agent that takes a request and never answers is given up, whatever the
// request was for, and a session is renewed though one renewal hangs.
func TestHang(t *testing.T) {
	for _, hangs := range []string{"GET /v1/kv/fleet/web/.stopped", "PUT /v1/session/create", "PUT /v1/kv/fleet/web/id", "GET /v1/kv/fleet/web/"} {
		t.Run(hangs, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := hang(t, func(r *http.Request) bool { return r.Method+" "+r.URL.Path == hangs })
				begun := time.Now()
				_, err := (&Semaphore{Client: c, Prefix: "fleet/web", Limit: 1, Holder: "a"}).Acquire(t.Context(), func(string) {})
				if took := time.Since(begun); err == nil || took > 2*time.Minute {
					t.Errorf("gave up after %v: %v", took, err)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c, _ := hang(t, func(r *http.Request) bool { return r.URL.Path == "/v1/kv/fleet/web/id" && r.Method == "GET" })
		place, err := (&Semaphore{Client: c, Prefix: "fleet/web", Limit: 1, Holder: "a"}).Acquire(t.Context(), func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		if err := place.Held(t.Context()); err == nil || err.Error() != "no answer from Consul" {
			t.Errorf("whether the place is held: %v", err)
		}
		place.Release()
	})
	synctest.Test(t, func(t *testing.T) {
		renewals := 0
		c, stub := hang(t, func(r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "renew") {
				return false
			}
			renewals++
			return renewals == 2
		})
		place, err := (&Semaphore{Client: c, Prefix: "fleet/web", Limit: 1, Holder: "a"}).Acquire(t.Context(), func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		last := time.Duration(0) // the session ends when there is none for 10 s
		for _, r := range stub.Requests() {
			if strings.Contains(r.URL, "renew") {
				if r.At-last > 15*time.Second {
					t.Errorf("no renewal from %v to %v", last, r.At)
				}
				last = r.At
			}
		}
		place.Release()
		if last < 9*time.Minute {
			t.Errorf("the last renewal was after %v", last)
		}
	})
}

// hang returns a client of an agent that takes some requests without answering them.
func hang(t *testing.T, which func(*http.Request) bool) (fetch.Requests, *agent.Stub) {
	stub := agent.New(func(r *http.Request) (*http.Response, error) {
		switch at := r.Method + " " + r.URL.Path; {
		case which(r):
			return agent.Hold(r)
		case at == "PUT /v1/session/create":
			return agent.Respond(200, `{"ID": "id"}`)
		case at == "GET /v1/kv/fleet/web/":
			return agent.Respond(200, `[{"Key": "fleet/web/id", "Session": "id", "CreateIndex": 5}]`, agent.Index("7")...)
		case r.Method == "GET":
			return agent.Respond(404, "", agent.Index("7")...)
		}
		return agent.Respond(200, "true")
	})
	return fetch.Requests{Client: stub.Client(t, "")}, stub
}
