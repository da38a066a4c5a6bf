package consul

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"
)

// A mode says what a front does with a request.
type mode int

const (
	well     mode = iota
	hangUp        // connections are closed as soon as they stand
	noLeader      // every reply is a 500, as during an election
)

// A front stands before an agent, real or not, on a loopback address, and can
// be away in several ways.
type front struct {
	server *httptest.Server
	agent  http.Handler

	mu       sync.Mutex
	mode     mode
	changed  chan struct{}  // closed, and replaced, when the mode changes
	underway map[string]int // requests by path
}

func newFront(t *testing.T, agent http.Handler) *front {
	f := &front{agent: agent, changed: make(chan struct{}), underway: make(map[string]int)}
	f.server = httptest.NewUnstartedServer(f)
	f.server.Listener = frontListener{Listener: f.server.Listener, f: f}
	f.server.Start()
	t.Cleanup(f.server.Close)
	return f
}

// A frontListener hangs up on callers when its front is in that mode.
type frontListener struct {
	net.Listener
	f *front
}

func (l frontListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if mode, _ := l.f.state(); mode != hangUp {
			return c, nil
		}
		c.Close()
	}
}

func (f *front) addr() string { return f.server.Listener.Addr().String() }

func (f *front) state() (mode, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mode, f.changed
}

// become changes the mode; requests that are under way end with that.
func (f *front) become(m mode) {
	f.mu.Lock()
	f.mode = m
	close(f.changed)
	f.changed = make(chan struct{})
	f.mu.Unlock()
	if m == hangUp {
		f.server.CloseClientConnections()
	}
}

// requests returns how many requests for path are under way.
func (f *front) requests(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.underway[path]
}

func (f *front) count(path string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.underway[path] += n
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.count(r.URL.Path, 1)
	defer f.count(r.URL.Path, -1)
	mode, changed := f.state()
	if mode == well {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			defer cancel()
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}()
		f.agent.ServeHTTP(w, r.WithContext(ctx))
	}
	if mode, _ = f.state(); mode != well {
		http.Error(w, "No cluster leader", http.StatusInternalServerError)
	}
}

// A fakeAgent answers /v1/kv as an agent does, blocking queries and all.
type fakeAgent struct {
	mu      sync.Mutex
	pairs   map[string]*api.KVPair
	index   uint64
	changed chan struct{} // closed, and replaced, at each change
}

func newFakeAgent() *fakeAgent {
	return &fakeAgent{pairs: make(map[string]*api.KVPair), index: 10, changed: make(chan struct{})}
}

func (f *fakeAgent) put(key, value string) {
	f.change(func() {
		f.pairs[key] = &api.KVPair{Key: key, Value: []byte(value), CreateIndex: f.index, ModifyIndex: f.index}
	})
}

func (f *fakeAgent) delete(key string) { f.change(func() { delete(f.pairs, key) }) }

func (f *fakeAgent) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.index++
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

// ServeHTTP implements http.Handler.
func (f *fakeAgent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/v1/kv/")
	since, _ := strconv.ParseUint(r.FormValue("index"), 10, 64)
	wait, err := time.ParseDuration(r.FormValue("wait"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		pair, index, changed := f.look(key)
		if index > since {
			answerPair(w, pair, index)
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			since = 0
		case <-r.Context().Done():
			return
		}
	}
}

// look returns a pair and its index, which for one that does not exist is that
// of the store.
func (f *fakeAgent) look(key string) (*api.KVPair, uint64, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	pair := f.pairs[key]
	if pair == nil {
		return nil, f.index, f.changed
	}
	return pair, pair.ModifyIndex, f.changed
}

func answerPair(w http.ResponseWriter, pair *api.KVPair, index uint64) {
	w.Header().Set("X-Consul-Index", fmt.Sprint(index))
	w.Header().Set("X-Consul-LastContact", "0")
	w.Header().Set("X-Consul-KnownLeader", "true")
	if pair == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(api.KVPairs{pair})
}
