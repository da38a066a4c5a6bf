package consul

import (
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

// A fakeAgent answers /v1/kv as an agent does, blocking queries and all, over
// real connections on loopback, and can be away in several ways.
type fakeAgent struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	pairs    map[string]*api.KVPair
	index    uint64
	changed  chan struct{} // closed, and replaced, at each change
	mode     mode
	underway map[string]int // requests by key
}

// A mode says what the agent does with a request.
type mode int

const (
	well     mode = iota
	hangUp        // connections are closed as soon as they stand
	noLeader      // every reply is a 500, as during an election
)

func newFakeAgent(t *testing.T) *fakeAgent {
	f := &fakeAgent{
		t:        t,
		pairs:    make(map[string]*api.KVPair),
		index:    10,
		changed:  make(chan struct{}),
		underway: make(map[string]int),
	}
	f.server = httptest.NewUnstartedServer(f)
	f.server.Listener = fakeListener{Listener: f.server.Listener, f: f}
	f.server.Start()
	t.Cleanup(f.server.Close)
	return f
}

// A fakeListener hangs up on callers when its agent is in that mode.
type fakeListener struct {
	net.Listener
	f *fakeAgent
}

func (l fakeListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || !l.f.is(hangUp) {
			return c, err
		}
		c.Close()
	}
}

func (f *fakeAgent) is(m mode) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mode == m
}

// become changes the mode; what is under way then ends in its way.
func (f *fakeAgent) become(m mode) {
	f.change(func() { f.mode = m })
	if m == hangUp {
		f.server.CloseClientConnections()
	}
}

func (f *fakeAgent) put(key, value string) {
	f.change(func() {
		f.index++
		f.pairs[key] = &api.KVPair{Key: key, Value: []byte(value), CreateIndex: f.index, ModifyIndex: f.index}
	})
}

func (f *fakeAgent) delete(key string) {
	f.change(func() {
		f.index++
		delete(f.pairs, key)
	})
}

func (f *fakeAgent) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

// requests returns how many requests for key are under way.
func (f *fakeAgent) requests(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.underway[key]
}

func (f *fakeAgent) enter(key string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.underway[key] += n
}

// ServeHTTP implements http.Handler.
func (f *fakeAgent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/v1/kv/")
	f.enter(key, 1)
	defer f.enter(key, -1)
	min, _ := strconv.ParseUint(r.FormValue("index"), 10, 64)
	wait, err := time.ParseDuration(r.FormValue("wait"))
	if err != nil {
		f.t.Errorf("%s: %v", r.URL, err)
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for {
		pair, index, mode, changed := f.look(key)
		if mode == noLeader {
			http.Error(w, "No cluster leader", http.StatusInternalServerError)
			return
		}
		if pair != nil && pair.ModifyIndex > min || pair == nil && index > min {
			answerPair(w, pair, index)
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			min = 0
		case <-r.Context().Done():
			return
		}
	}
}

func (f *fakeAgent) look(key string) (*api.KVPair, uint64, mode, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pairs[key], f.index, f.mode, f.changed
}

// answerPair answers with the index of the pair, or where there is none, with
// that of the store.
func answerPair(w http.ResponseWriter, pair *api.KVPair, index uint64) {
	if pair != nil {
		index = pair.ModifyIndex
	}
	w.Header().Set("X-Consul-Index", fmt.Sprint(index))
	w.Header().Set("X-Consul-LastContact", "0")
	w.Header().Set("X-Consul-KnownLeader", "true")
	if pair == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	json.NewEncoder(w).Encode(api.KVPairs{pair})
}
