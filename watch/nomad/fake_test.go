package nomad

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
)

// A variable is one in Nomad's JSON.
type variable struct {
	Namespace, Path          string
	CreateIndex, ModifyIndex uint64
	CreateTime, ModifyTime   int64
	Items                    map[string]string `json:",omitempty"`
}

// A fakeNomad answers as an agent of Nomad does, blocking queries and all.
type fakeNomad struct {
	server *httptest.Server

	mu       sync.Mutex
	index    uint64
	falls    bool          // each reply comes at once, with a smaller index than the one before
	changed  chan struct{} // closed, and replaced, at each change
	vars     map[string]variable
	bodies   map[string]string // of what else there is, by path
	refuse   func(http.ResponseWriter, *http.Request) bool
	refused  bool           // connections are closed as soon as they stand
	underway map[string]int // requests by path
	log      []*http.Request
}

func newFakeNomad(t *testing.T) *fakeNomad {
	f := &fakeNomad{
		index: 10, changed: make(chan struct{}), vars: make(map[string]variable),
		bodies: make(map[string]string), underway: make(map[string]int),
	}
	f.server = httptest.NewUnstartedServer(f)
	t.Cleanup(f.server.Close)
	f.server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.refused && s == http.StateNew {
			c.Close()
		}
	}
	return f
}

func (f *fakeNomad) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.index++
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeNomad) put(path string, items map[string]string) {
	f.change(func() {
		f.vars[path] = variable{"default", path, f.index, f.index, 1_700_000_000_000_000_000, 1_700_000_000_000_000_000, items}
	})
}

// restore has Nomad go back to a snapshot of that index, in which there is one variable.
// Requests that wait for a greater index go on to wait.
func (f *fakeNomad) restore(index uint64, path string, items map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.index = index
	f.vars = map[string]variable{path: {Namespace: "default", Path: path, ModifyIndex: index, Items: items}}
}

func (f *fakeNomad) delete(path string) { f.change(func() { delete(f.vars, path) }) }

// fail has every request answered by refuse, which may leave one alone; nil: none is.
// Those under way end.
func (f *fakeNomad) fail(refuse func(http.ResponseWriter, *http.Request) bool) {
	f.change(func() { f.refuse = refuse })
}

// hangUp closes all connections, and new ones as long as it is on.
func (f *fakeNomad) hangUp(on bool) {
	f.change(func() { f.refused = on })
	if on {
		f.server.CloseClientConnections()
	}
}

func (f *fakeNomad) requests(path string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.underway[path]
}

// asked returns the requests so far.
func (f *fakeNomad) asked() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// ServeHTTP implements http.Handler.
func (f *fakeNomad) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.underway[r.URL.Path]++
	f.log = append(f.log, r)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.underway[r.URL.Path]--
		f.mu.Unlock()
	}()
	since, _ := strconv.ParseUint(r.FormValue("index"), 10, 64)
	wait, _ := time.ParseDuration(r.FormValue("wait"))
	timeout := time.After(wait)
	for {
		f.mu.Lock()
		refuse, changed := f.refuse, f.changed
		status, body, index := f.look(r)
		if f.falls {
			f.index--
			index, since = f.index, 0
		}
		f.mu.Unlock()
		if refuse != nil && refuse(w, r) {
			return
		}
		if index > since {
			w.Header().Set("X-Nomad-Index", fmt.Sprint(index))
			w.Header().Set("X-Nomad-KnownLeader", "true")
			w.Header().Set("X-Nomad-LastContact", "0")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return
		}
		select {
		case <-changed:
		case <-timeout:
			since = 0
		case <-r.Context().Done():
			return
		}
	}
}

// look returns the answer to a request, and its index. The caller holds the lock.
func (f *fakeNomad) look(r *http.Request) (status int, body string, index uint64) {
	if path, ok := strings.CutPrefix(r.URL.Path, "/v1/var/"); ok {
		v, ok := f.vars[path]
		if !ok {
			return http.StatusNotFound, "variable not found", f.index
		}
		b, _ := json.Marshal(v)
		return http.StatusOK, string(b), v.ModifyIndex
	}
	if r.URL.Path == "/v1/vars" {
		list := []variable{}
		for path, v := range f.vars {
			if strings.HasPrefix(path, r.FormValue("prefix")) {
				v.Items = nil
				list = append(list, v)
			}
		}
		slices.SortFunc(list, func(a, b variable) int { return strings.Compare(a.Path, b.Path) })
		b, _ := json.Marshal(list)
		return http.StatusOK, string(b), f.index
	}
	if body, ok := f.bodies[r.URL.Path]; ok {
		return http.StatusOK, body, f.index
	}
	return http.StatusOK, "[]", f.index
}

// respond returns a refusal with that status and text.
func respond(status int, text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, text, status)
		return true
	}
}

// options returns options for the fake, which run runs.
func (f *fakeNomad) options() Options {
	o := DefaultOptions()
	o.Address = "http://" + f.server.Listener.Addr().String()
	o.BlockQueryWait = 2 * time.Second
	o.Retry = schedule.Backoff{Base: 5 * time.Millisecond, Max: 50 * time.Millisecond}
	return o
}

func varQuery(path string) watch.Query { return watch.Query{Kind: watch.NomadVarGet, Name: path} }
