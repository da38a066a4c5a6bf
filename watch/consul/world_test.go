package consul

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/test/agent"
	"restencil/test/catalog"
	"restencil/watch"
	"restencil/watch/consul/plan"
)

// A world is an agent without a network, for tests in a synctest bubble: keys
// and services, blocking queries, a limit of requests at a time, and tokens
// that may not do everything.
type world struct {
	limit    int                      // requests at a time; more are refused; 0: none are
	mayList  func(prefix string) bool // nil: all
	mayRead  func(key string) bool    // nil: all; others are left out of lists
	instants time.Duration            // how long a reply is under way
	slow     time.Duration            // the same, for that about a service

	// self answers for the agent, nil: with its limit.
	self func(*http.Request) (*http.Response, error)

	mu       sync.Mutex
	away     bool     // it cannot be reached
	election election // none at the moment
	stray    string   // the path of a request that is answered in error once; "": none
	broken   string   // the path of a request that fails once; "": none
	keys     map[string]string
	catalog  *catalog.Catalog
	filter   bool // the token may not read all: what there is of services is left out
	denied   bool // the token is not known
	stuck    bool // the servers do not answer; the agent's view of services goes on
	streams  bool // the view says that it is one
	index    uint64
	changed  chan struct{} // closed, and replaced, at each change
	now      int           // requests at the moment
	most     int           // the largest that was
	count    int           // requests so far
	refused  int
}

// An election is how an agent answers while there is no leader, or right after
// there is one: a consistent read fails in any case.
type election int

const (
	over    election = iota
	unaware          // it knows no leader, and has no data
	behind           // it has an early state, without data
	bare             // what answers has no data and no index
)

func newWorld() *world {
	return &world{
		limit: 200, keys: make(map[string]string), catalog: catalog.New(),
		index: 10, changed: make(chan struct{}), instants: time.Millisecond,
	}
}

func (w *world) change(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.index++
	do()
	close(w.changed)
	w.changed = make(chan struct{})
}

// register has a service of one instance, with that port. It is for change.
func (w *world) register(name string, port int) {
	w.catalog.Register(nodeOf(name), instanceOf(name, port))
}

func instanceOf(name string, port int) catalog.Instance {
	return catalog.Instance{ID: name, Service: name, Port: port, Status: "passing"}
}

// deregister takes a service away. It is for change.
func (w *world) deregister(name string) { w.catalog.Deregister(nodeOf(name), name) }

// nodeOf returns the node that a service is on.
func nodeOf(service string) string { return "n" + service[len(service)-1:] }

func (w *world) set(key, value string) { w.change(func() { w.keys[key] = value }) }

// RoundTrip implements http.RoundTripper, by way of stub.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.isAway() {
		return nil, errors.New("connection refused")
	}
	if !w.admit() {
		return agent.Respond(http.StatusTooManyRequests, "too many connections")
	}
	defer w.leave()
	if r.URL.Path == "/v1/agent/self" {
		return w.answerSelf(r)
	}
	since, _ := strconv.ParseUint(r.URL.Query().Get("index"), 10, 64)
	wait, _ := time.ParseDuration(r.URL.Query().Get("wait"))
	end := time.NewTimer(wait)
	defer end.Stop()
	for {
		if e := w.holds(r.URL.Path); e != over {
			w.travel(r)
			return e.answer(r)
		}
		body, status, index, filtered, changed := w.look(r)
		if w.breaks(r.URL.Path) {
			return agent.Respond(http.StatusInternalServerError, "rpc error")
		}
		if index > since || status != http.StatusOK {
			w.travel(r) // so that it may be old when it arrives
			header := append(headersOf(index), "X-Consul-Results-Filtered-By-ACLs", fmt.Sprint(filtered))
			if w.streams && isView(r) {
				header = append(headersOf(index), "X-Consul-KnownLeader", "false", "X-Consul-Query-Backend", "streaming")
			}
			return agent.Respond(status, body, header...)
		}
		select {
		case <-changed:
			if w.isAway() {
				return nil, errors.New("connection reset")
			}
		case <-end.C:
			since = 0
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

func (w *world) answerSelf(r *http.Request) (*http.Response, error) {
	w.travel(r)
	if w.self != nil {
		return w.self(r)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return respondLimit(w.limit)
}

func respondLimit(n int) (*http.Response, error) {
	return agent.Respond(http.StatusOK, fmt.Sprintf(`{"DebugConfig": {"HTTPMaxConnsPerClient": %d}}`, n))
}

// isView reports whether an agent answers r from its view of a service.
func isView(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/v1/health/service/") && r.URL.Query().Has("index")
}

func (w *world) holds(path string) election {
	w.mu.Lock()
	defer w.mu.Unlock()
	if path == w.stray {
		w.stray = ""
		return unaware
	}
	return w.election
}

func (w *world) breaks(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if path != w.broken {
		return false
	}
	w.broken = ""
	return true
}

// hold begins an election, or ends it.
func (w *world) hold(e election) { w.change(func() { w.election = e }) }

func (e election) answer(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Has("consistent") {
		return agent.Respond(http.StatusInternalServerError, "No cluster leader")
	}
	body, status := "[]", http.StatusOK
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/kv/"):
		body, status = "", http.StatusNotFound
	case r.URL.Path == "/v1/catalog/services":
		body = "{}"
	}
	switch e {
	case unaware:
		return agent.Respond(status, body, "X-Consul-Index", "1000", "X-Consul-KnownLeader", "false")
	case behind:
		return agent.Respond(status, body, agent.Index("3")...)
	default:
		return agent.Respond(status, body)
	}
}

func (w *world) travel(r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/v1/health/service/") {
		time.Sleep(w.slow)
	}
	time.Sleep(w.instants)
}

func headersOf(i uint64) []string { return agent.Index(fmt.Sprint(i)) }

func (w *world) isAway() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.away
}

// underWay returns how many requests there are.
func (w *world) underWay() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// requests returns how many there were so far.
func (w *world) requests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

func (w *world) admit() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	if w.limit > 0 && w.now >= w.limit {
		w.refused++
		return false
	}
	w.now++
	w.most = max(w.most, w.now)
	return true
}

func (w *world) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now--
}

func (w *world) look(r *http.Request) (body string, status int, index uint64, filtered bool, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	status, index, changed = http.StatusOK, w.index, w.changed
	path, _ := strings.CutPrefix(r.URL.Path, "/v1/")
	var data any
	if name, ok := strings.CutPrefix(path, "kv/"); ok {
		data, status, filtered = w.lookKeys(name, r.URL.Query().Has("recurse"))
	} else {
		data, index = w.lookCatalog(path)
		filtered = w.filter
	}
	view := isView(r)
	switch {
	case w.denied && !view:
		return "ACL not found", http.StatusForbidden, index, false, changed
	case w.stuck && !view:
		return "No known Consul servers", http.StatusInternalServerError, index, false, changed
	case (w.denied || w.stuck) && view:
		index = 0 // nothing ever changes
	}
	text, _ := json.Marshal(data)
	return string(text), status, index, filtered, changed
}

func (w *world) lookKeys(name string, recurse bool) (data any, status int, filtered bool) {
	var pairs api.KVPairs
	if recurse && w.mayList != nil && !w.mayList(name) || !recurse && w.mayRead != nil && !w.mayRead(name) {
		return nil, http.StatusForbidden, false
	}
	for key, value := range w.keys {
		if key != name && !(recurse && strings.HasPrefix(key, name)) {
			continue
		}
		if w.mayRead != nil && !w.mayRead(key) {
			filtered = true
			continue
		}
		pairs = append(pairs, &api.KVPair{Key: key, Value: []byte(value)})
	}
	if len(pairs) == 0 {
		return nil, http.StatusNotFound, filtered
	}
	slices.SortFunc(pairs, func(a, b *api.KVPair) int { return strings.Compare(a.Key, b.Key) })
	return pairs, http.StatusOK, filtered
}

func (w *world) lookCatalog(path string) (data any, index uint64) {
	c := w.catalog
	switch path {
	case "health/state/critical", "health/state/warning":
		status := path[len("health/state/"):]
		list := []*api.HealthCheck{}
		for _, state := range c.States(status) {
			check := &api.HealthCheck{Node: state.Node.Name, CheckID: "node", ModifyIndex: state.Node.StatusIndex}
			if i := state.Instance; i != nil {
				check.CheckID, check.ServiceName, check.ModifyIndex = i.ID, i.Service, i.StatusIndex
			}
			list = append(list, check)
		}
		return list, c.Checks(status)
	case "catalog/nodes":
		list := []*api.Node{}
		for _, n := range c.Nodes {
			list = append(list, &api.Node{Node: n.Name, Address: n.Address, ModifyIndex: n.Index})
		}
		return list, c.NodesIndex()
	case "catalog/services":
		return c.Tags(), c.ServicesIndex()
	}
	if name, ok := strings.CutPrefix(path, "catalog/node-services/"); ok {
		reply := api.CatalogNodeServiceList{Services: []*api.AgentService{}}
		if n := c.Nodes[name]; n != nil {
			for _, i := range n.Instances {
				reply.Services = append(reply.Services, &api.AgentService{ID: i.ID, Service: i.Service, Port: i.Port, ModifyIndex: i.Index})
			}
		}
		return reply, c.NodeIndex(name)
	}
	name := strings.TrimPrefix(path, "health/service/")
	entries := []*api.ServiceEntry{}
	for _, p := range c.Instances(name, false) {
		entry := &api.ServiceEntry{
			Node:    &api.Node{Node: p.Node.Name, Address: p.Node.Address},
			Service: &api.AgentService{ID: p.ID, Service: p.Service, Port: p.Port},
			Checks:  api.HealthChecks{{CheckID: p.ID, Status: p.Status}},
		}
		if p.Node.Status != "" {
			entry.Checks = append(entry.Checks, &api.HealthCheck{CheckID: "node", Status: p.Node.Status})
		}
		entries = append(entries, entry)
	}
	if w.filter {
		entries = entries[:0]
	}
	return entries, c.ServiceIndex(name)
}

// A newest sink keeps what was said last.
type newest struct {
	mu   sync.Mutex
	text string
	told int
	ever map[string]int // how often each was said
}

// Publish implements watch.Sink.
func (n *newest) Publish(a watch.Answer) (news bool) { return n.note(inShort(a.Data)) }

// Fail implements watch.Sink.
func (n *newest) Fail(err error) { n.note("failed: " + fmt.Sprint(watch.Classify(err))) }

func (n *newest) note(text string) (news bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told > 0 && text == n.text {
		return false
	}
	n.text = text
	n.told++
	if n.ever == nil {
		n.ever = make(map[string]int)
	}
	n.ever[text]++
	return true
}

func (n *newest) said() (string, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text, n.told
}

// saidEver returns how often that was said.
func (n *newest) saidEver(text string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ever[text]
}

func inShort(data any) string {
	switch data := data.(type) {
	case *watch.KeyPair:
		return data.Value
	case []*watch.KeyPair:
		var b strings.Builder
		for _, p := range data {
			fmt.Fprintf(&b, "%s=%s ", p.Key, p.Value)
		}
		return b.String()
	case []*watch.HealthService:
		return fmt.Sprint(names(data, func(s *watch.HealthService) string { return fmt.Sprint(s.Port) }))
	case nil:
		return "nothing"
	default:
		text, _ := json.Marshal(data)
		return string(text)
	}
}

// An observer has a source watch queries on a world, and knows what it says.
type observer struct {
	s     *Source
	w     *world
	sinks map[watch.Query]*newest
}

func observe(t *testing.T, w *world, o Options) *observer {
	s, _ := runStub(t, o, w.RoundTrip)
	return &observer{s: s, w: w, sinks: make(map[watch.Query]*newest)}
}

// way returns how q is kept, "" where it is not watched.
func (s *Source) way(q watch.Query) plan.Way {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := s.plan.Place(q.ID()); at != nil {
		return at.Way
	}
	return ""
}

func (n *observer) watch(queries ...watch.Query) {
	var list []watch.Subscription
	for _, q := range queries {
		n.sinks[q] = &newest{}
		list = append(list, watch.Subscription{ID: q.ID(), Sink: n.sinks[q]})
	}
	n.s.Watch(list...)
}

func (n *observer) unwatch(queries ...watch.Query) {
	var list []watch.ID
	for _, q := range queries {
		delete(n.sinks, q)
		list = append(list, q.ID())
	}
	n.s.Unwatch(list...)
}

// check compares what was said last with what is true.
func (n *observer) check(t *testing.T) {
	t.Helper()
	wrong := 0
	for q, sink := range n.sinks {
		if got, _ := sink.said(); got != n.w.truth(q) {
			if wrong++; wrong < 5 {
				t.Errorf("%v, kept by %s: said %q, true is %q", q, n.s.way(q), got, n.w.truth(q))
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d are wrong", wrong, len(n.sinks))
	}
}

func (w *world) truth(q watch.Query) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch q.Kind {
	case watch.KVGet:
		if w.mayRead != nil && !w.mayRead(q.Name) {
			return "failed: " + fmt.Sprint(watch.Denied)
		}
		if value, ok := w.keys[q.Name]; ok {
			return value
		}
		return inShort(nil)
	case watch.KVList:
		var list []*watch.KeyPair
		for key, value := range w.keys {
			if strings.HasPrefix(key, q.Name) && (w.mayRead == nil || w.mayRead(key)) {
				list = append(list, &watch.KeyPair{Path: key, Key: watch.RelativeKey(q.Name, key), Value: value})
			}
		}
		slices.SortFunc(list, func(a, b *watch.KeyPair) int { return strings.Compare(a.Path, b.Path) })
		return inShort(list)
	default:
		var ports []int
		for _, p := range w.catalog.Instances(q.Name, false) {
			if p.Passing() {
				ports = append(ports, p.Port)
			}
		}
		return fmt.Sprint(ports)
	}
}
