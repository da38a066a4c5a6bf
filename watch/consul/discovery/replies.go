package discovery

import (
	"maps"
	"slices"
	"strings"
	"time"

	"restencil/watch"
)

// A Check is the state of a check, as Consul's API names it.
type Check struct {
	Node, CheckID string
	ServiceName   string // "" for a check of the node itself
	ModifyIndex   uint64
}

// A CatalogNode is a node, as Consul's API names it.
type CatalogNode struct {
	Node        string
	ModifyIndex uint64
}

// An Instance is an instance of a service on a node, as Consul's API names it.
type Instance struct {
	ID, Service, Kind string
	Proxy             struct{ DestinationServiceName string }
	ModifyIndex       uint64
}

// A Reply describes a reply.
type Reply struct {
	Index    uint64
	Filtered bool // something was left out that the token may not read
}

// hid reports whether r may have left out what changed last at index.
func (r Reply) hid(index uint64) bool { return r.Filtered && index <= r.Index }

// An Answer describes the answer to a query.
type Answer struct {
	Reply
	Nodes    []string // of its instances in any state
	Services []string // of its instances in any state: names of proxies differ from the query's
	Failing  bool     // a check of its instances is not passing
	Changed  bool
}

// A checkID identifies a check.
type checkID struct{ node, check, service string }

// An instance is what is kept of an Instance.
type instance struct {
	service, destination string // in lower case
	gateway              bool
	index                uint64
}

// note records a reply to a shared query, and returns the one before, if there was
// one. A lower index than before means that Consul's data was restored or replaced:
// older indexes say nothing then.
func (d *Discovery) note(kind Kind, r Reply, now time.Time) (before Reply, known bool) {
	before, known = d.replies[kind]
	d.replies[kind] = r
	if r.Index < before.Index {
		for _, u := range d.queries {
			u.index = 0
		}
		d.sweep.reset = d.tick(now)
	}
	d.recovered(Source{Kind: kind}, now)
	return before, known
}

// TakeChecks takes a reply for the critical or warning checks.
func (d *Discovery) TakeChecks(kind Kind, r Reply, list []Check, now time.Time) {
	before, _ := d.note(kind, r, now)
	// An answer that is newer than one reply and older than the next may show
	// a check that failed and recovered between them, which their difference does not
	// name.
	for _, u := range d.queries {
		if before.Index > 0 && (u.busy || (u.failing || u.filtered) && u.index > before.Index && u.index < r.Index) {
			d.name(u, always)
		}
	}
	old, checks := d.checks[kind], make(map[checkID]uint64, len(list))
	for _, c := range list {
		id := checkID{c.Node, c.CheckID, c.ServiceName}
		checks[id] = c.ModifyIndex
		if old[id] == 0 && before.hid(c.ModifyIndex) {
			d.regained(now)
		}
		if old[id] != c.ModifyIndex {
			d.flipped(id, c.ModifyIndex)
		}
	}
	for id := range old {
		if _, there := checks[id]; !there {
			d.flipped(id, always)
		}
	}
	if kind == Warning {
		d.sameWarnings = old != nil && maps.Equal(old, checks)
	}
	d.checks[kind] = checks
}

// TakeNodes takes a reply for the nodes.
func (d *Discovery) TakeNodes(r Reply, list []CatalogNode, now time.Time) {
	before, known := d.note(Nodes, r, now)
	there := make(map[Source]bool, len(list))
	for _, n := range list {
		s := Source{Kind: Node, Name: n.Node}
		there[s] = true
		switch u := d.nodes[s]; {
		case u == nil:
			u = &target{source: s, version: n.ModifyIndex}
			d.nodes[s] = u
			d.sweep.add(u)
			if before.hid(n.ModifyIndex) {
				d.regained(now)
			}
			if known {
				d.want(u) // if it is not held, it is read at once
				d.nameAll(d.byNode, n.Node, n.ModifyIndex)
			}
		case u.version != n.ModifyIndex:
			u.version = n.ModifyIndex
			d.touched(u, n.ModifyIndex)
		}
	}
	for s, u := range d.nodes {
		if !there[s] {
			delete(d.nodes, s)
			d.touched(u, always)
			d.forget(u)
		}
	}
	if !known {
		d.sweep.hint = d.tick(now)
	}
	d.assign(now)
}

// TakeInstances takes a reply for the services of a node, to a blocking query or
// to a read.
func (d *Discovery) TakeInstances(node string, r Reply, list []Instance, now time.Time) {
	u := d.nodes[Source{Kind: Node, Name: node}]
	if u == nil {
		return
	}
	before := Reply{u.index, u.filtered}
	d.done(u, r)
	if r.Filtered && before.Index != r.Index && !u.held {
		d.retry.Set(u, now.Add(renewal)) // it may lack what has changed
	}
	if before.Index > 0 && before.Index != r.Index {
		for q := range d.byNode[strings.ToLower(node)] {
			if q.index > before.Index && q.index < r.Index {
				d.name(q, always)
			}
		}
	}
	old, next := u.instances, make(map[string]instance, len(list))
	u.instances = next
	changed := false
	for _, i := range list {
		is := instance{strings.ToLower(i.Service), strings.ToLower(i.Proxy.DestinationServiceName), i.Kind == gateway, i.ModifyIndex}
		next[i.ID] = is
		if was, there := old[i.ID]; was != is {
			changed = true
			d.nameInstance(is, is.index)
			if there && (was.service != is.service || was.destination != is.destination) {
				d.nameInstance(was, always)
			}
			if !there && before.hid(is.index) {
				d.regained(now)
			}
		}
	}
	for id, was := range old {
		if _, there := next[id]; !there {
			changed = true
			d.nameInstance(was, always)
		}
	}
	for q := range d.byNode[strings.ToLower(node)] {
		switch {
		case changed && q.source.Query.Value().Kind == watch.NodeServices:
			d.name(q, always)
		case (old == nil || before.Filtered) && !u.has(q): // its answer shows an instance on this node
			d.name(q, always)
		}
	}
	if changed && old != nil {
		d.promote(u, now)
	}
	d.recovered(u.source, now)
}

// has reports whether a node has an instance that a query asks for.
func (u *target) has(q *target) bool {
	proxies := q.source.Query.Value().Kind == watch.ConnectHealth
	for _, i := range u.instances {
		if slices.Contains(q.names, i.service) || proxies && slices.Contains(q.names, i.destination) {
			return true
		}
	}
	return false
}

// gateway is the kind of the instances that stand for other services.
const gateway = "terminating-gateway"

// TakeServices takes a reply for the names and tags of services.
func (d *Discovery) TakeServices(r Reply, list map[string][]string, now time.Time) {
	before, known := d.note(Services, r, now)
	if !known || r.Index != before.Index {
		d.sweep.hint = d.tick(now)
	}
	tags := make(map[string]string, len(list))
	for name, of := range list {
		of = slices.Sorted(slices.Values(of))
		tags[name] = strings.Join(of, "\n")
		if old, there := d.tags[name]; known && (!there || old != tags[name]) {
			d.nameAll(d.byName, name, always)
		}
	}
	for name := range d.tags {
		if _, there := tags[name]; known && !there {
			d.nameAll(d.byName, name, always)
		}
	}
	d.tags = tags
}

// TakeAnswer takes the answer to a query, to a blocking query or to a read.
func (d *Discovery) TakeAnswer(id watch.ID, a Answer, now time.Time) {
	u := d.queries[Source{Kind: Query, Query: id}]
	if u == nil {
		return
	}
	before, shown := u.index, u.nodes
	first := before == 0
	u.failing = a.Failing
	d.done(u, a.Reply)
	q := id.Value()
	if q.Kind == watch.NodeServices {
		d.byNode.set(u, &u.nodes, append(a.Nodes, q.Name))
	} else {
		d.byNode.set(u, &u.nodes, a.Nodes)
		d.byName.set(u, &u.names, append(a.Services, q.Name))
		for _, name := range a.Nodes {
			// The first reply for the node came while this answer was under way.
			node := d.nodes[Source{Kind: Node, Name: name}]
			if first && node != nil && node.instances != nil && !node.has(u) {
				d.name(u, always)
			}
		}
	}
	d.scheduleDoubt(u, a, a.Changed || a.Index != before || !slices.Equal(shown, u.nodes), now)
	if a.Changed && !first {
		d.promote(u, now)
	}
	d.recovered(u.source, now)
}
