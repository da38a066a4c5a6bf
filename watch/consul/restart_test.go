package consul

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"restencil/watch"
	"restencil/watch/blocking"
)

// A server serves a world over connections, without a network, and limits these as an
// agent does: it counts a connection until the request on it is over, and goes on with most
// requests that wait though their client has gone.
type server struct {
	w     *world
	http  *http.Server
	conns chan net.Conn
	ctx   context.Context // ends with the test

	handlers sync.WaitGroup

	mu      sync.Mutex
	limit   int
	counted map[net.Conn]bool
	refused int
}

type refusedKey struct{}

func newServer(t *testing.T, w *world) *server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{w: w, limit: w.limit, conns: make(chan net.Conn), ctx: ctx, counted: make(map[net.Conn]bool)}
	w.limit = 0
	if w.self == nil {
		w.self = func(*http.Request) (*http.Response, error) { return respondLimit(s.limit) }
	}
	s.http = &http.Server{Handler: s, ConnContext: s.admit, ConnState: s.changed}
	go s.http.Serve(s)
	t.Cleanup(func() {
		cancel()
		s.http.Close()
		s.handlers.Wait()
	})
	return s
}

// Accept implements net.Listener.
func (s *server) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *server) Close() error { return nil }

// Addr implements net.Listener.
func (s *server) Addr() net.Addr { return &net.TCPAddr{} }

func (s *server) admit(ctx context.Context, c net.Conn) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.counted) >= s.limit {
		s.refused++
		return context.WithValue(ctx, refusedKey{}, true)
	}
	s.counted[c] = true
	return ctx
}

func (s *server) changed(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateClosed {
		delete(s.counted, c)
	}
}

func (s *server) setLimit(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = n
}

// refusals returns how many connections were refused so far.
func (s *server) refusals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.handlers.Add(1)
	defer s.handlers.Done()
	if r.Context().Value(refusedKey{}) != nil {
		rw.Header().Set("Connection", "close")
		http.Error(rw, "too many concurrent connections", http.StatusTooManyRequests)
		return
	}
	ctx := r.Context()
	if !strings.HasPrefix(r.URL.Path, "/v1/health/service/") {
		ctx = s.ctx
	}
	resp, err := s.w.RoundTrip(r.WithContext(ctx))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	for name, values := range resp.Header {
		rw.Header()[name] = values
	}
	rw.WriteHeader(resp.StatusCode)
	io.Copy(rw, resp.Body)
}

// start runs a source that asks s until stop is called, or the test ends.
func (s *server) start(t *testing.T) (n *observer, stop func()) {
	t.Helper()
	o, err := DefaultOptions().Filled()
	if err != nil {
		t.Fatal(err)
	}
	connections := o.Transport.New()
	connections.Proxy, connections.MaxConnsPerHost = nil, blocking.UsualConnections
	connections.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if s.w.isAway() {
			return nil, errors.New("connection refused")
		}
		mine, yours := net.Pipe()
		select {
		case s.conns <- yours:
			return mine, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c := blocking.New(url.URL{Scheme: "http", Host: "consul.test:8500"}, connections, nil)
	c.Datacenter, c.Namespace = "dc", "ns"
	source := newSource(o, c)
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { source.Run(ctx) })
	stop = func() {
		cancel()
		run.Wait()
	}
	t.Cleanup(stop)
	return &observer{s: source, w: s.w, sinks: make(map[watch.Query]*newest)}, stop
}

// complete returns how long it takes until all is known, at most so long.
func (n *observer) complete(most time.Duration) time.Duration {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		missing := false
		for _, sink := range n.sinks {
			text, _ := sink.said()
			missing = missing || text == "" || strings.HasPrefix(text, "failed")
		}
		if took := time.Since(began); !missing || took > most {
			return took
		}
	}
}

// held returns how many requests that wait for news the plan has.
func (n *observer) held() int {
	n.s.mu.Lock()
	defer n.s.mu.Unlock()
	return n.s.plan.Held()
}

// TestRestart: an agent goes on to count the requests of a program that has ended. One that
// is started again works over the connections that are left, does not ask for others again
// and again, and soon has as many as before.
func TestRestart(t *testing.T) {
	for name, queries := range map[string]func(w *world) []watch.Query{
		"services": func(w *world) []watch.Query { return w.serve(400, 150) },
		"keys": func(w *world) []watch.Query {
			keys := queriesNamed(120, keyNamed, "app/%03d")
			w.fill(keys)
			return keys
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				queries, s := queries(w), newServer(t, w)
				n, stop := s.start(t)
				n.watch(queries...)
				time.Sleep(time.Minute)
				n.check(t)
				held := n.held()
				again := func(most, life time.Duration) {
					t.Helper()
					stop()
					before := s.refusals()
					n, stop = s.start(t)
					n.watch(queries...)
					took := n.complete(life)
					time.Sleep(life - took)
					if refused := s.refusals() - before; took > most || refused > 200 {
						t.Errorf("there was everything after %v, and %d requests were refused", took, refused)
					}
				}
				recovered := func() {
					t.Helper()
					time.Sleep(100 * time.Second)
					n.check(t)
					if got := n.held(); got != held {
						t.Errorf("in the end there are %d requests, and before there were %d", got, held)
					}
				}
				again(3*time.Second, 20*time.Second)
				recovered()
				again(3*time.Second, 4*time.Second)
				for range 3 {
					again(4*time.Second, 3*time.Second)
				}
				again(25*time.Second, 30*time.Second) // when the old requests are over
				recovered()
			})
		})
	}
}

// TestTwoPrograms: where another program has most of an agent's connections for good, both
// go on to work, and what the agent refuses is seldom tried again.
func TestTwoPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		services, s := w.serve(400, 150), newServer(t, w)
		first, _ := s.start(t)
		first.watch(services...)
		time.Sleep(10 * time.Second)
		second, _ := s.start(t)
		second.watch(services...)
		if took := second.complete(time.Minute); took > 3*time.Second {
			t.Errorf("there was everything after %v", took)
		}
		for i := range 60 {
			w.change(func() { w.catalog.Register(fmt.Sprint("node", i), instanceOf(fmt.Sprint("s", i), 7000+i)) })
			time.Sleep(30 * time.Second) // a reading may be refused for some of it, when the second asks for more
			for _, n := range []*observer{first, second} {
				if got, _ := n.sinks[services[i]].said(); got != w.truth(services[i]) {
					t.Errorf("%v: said %q, true is %q", services[i], got, w.truth(services[i]))
				}
			}
		}
		first.check(t)
		second.check(t)
		if got := s.refusals(); got > 200 {
			t.Errorf("%d requests were refused in half an hour", got)
		}
	})
}
