package discovery

import (
	"strings"
	"time"

	"restencil/watch"
)

// A registry holds the queries and nodes, and finds the queries that a change affects.
type registry struct {
	queries targets
	nodes   targets
	byName  index // queries by service
	byNode  index // queries by node

	queue
}

type targets map[Source]*target

// A target is a watched query or a node.
type target struct {
	source   Source
	index    uint64    // of the newest reply
	filtered bool      // the newest reply was, or, of a query, the newest read failed
	wanted   uint64    // of a query: it was named since that read began, and is read again unless the reply has this index and is complete
	version  uint64    // of a node: the index of its last change in the list of nodes
	read     time.Time // when the newest read, or the hold, began; zero: never, or it does not count
	changed  time.Time // when a change was last seen
	held     bool
	busy     bool // it is being read
	named    bool // it is in queue.named
	gone     bool // it was removed

	failing   bool                // of a query: its newest reply shows a check that is not passing
	affecting                     // of a query
	instances map[string]instance // of a node, by ID; nil: not known
	doubt     doubt               // of a query
}

// affecting are the names of what affects a query, in lower case.
type affecting struct {
	names []string // of services
	nodes []string
}

// An index finds targets by names.
type index map[string]map[*target]bool

// set replaces the names of u, which old holds.
func (in index) set(u *target, old *[]string, names []string) {
	for _, name := range *old {
		delete(in[name], u)
		if len(in[name]) == 0 {
			delete(in, name)
		}
	}
	*old = nil
	for _, name := range names {
		name = strings.ToLower(name)
		if in[name] == nil {
			in[name] = make(map[*target]bool)
		}
		if !in[name][u] {
			in[name][u] = true
			*old = append(*old, name)
		}
	}
}

// nameAll names all queries of a name.
func (r *registry) nameAll(in index, name string, at uint64) {
	for u := range in[strings.ToLower(name)] {
		r.name(u, at)
	}
}

// flipped names the queries that a check affects.
func (r *registry) flipped(id checkID, index uint64) {
	if id.service != "" {
		r.nameAll(r.byName, id.service, index)
		return
	}
	for u := range r.byNode[strings.ToLower(id.node)] {
		if u.source.Query.Value().Kind != watch.NodeServices {
			r.name(u, index)
		}
	}
	r.nameBusy()
}

// nameBusy names the queries that are being read: the nodes of their answers are not
// known yet.
func (r *registry) nameBusy() {
	for _, u := range r.queries {
		if u.busy {
			r.name(u, always)
		}
	}
}

// touched names the queries that a node affects, which has changed or gone.
func (r *registry) touched(u *target, index uint64) {
	r.nameAll(r.byNode, u.source.Name, index)
	r.nameBusy()
	for _, i := range u.instances {
		r.nameInstance(i, index)
	}
}

func (r *registry) nameInstance(i instance, index uint64) {
	r.nameAll(r.byName, i.service, index)
	if i.destination != "" {
		r.nameAll(r.byName, i.destination, index)
	}
	if i.gateway {
		for _, u := range r.queries {
			if u.source.Query.Value().Kind == watch.ConnectHealth {
				r.name(u, index)
			}
		}
	}
}
