package discovery

import (
	"maps"
	"slices"
	"strings"
	"time"

	"restencil/watch"
)

// A Check is what the state of a check tells, as Consul's API names it.
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

// An Answer is what is needed of the answer to a query.
type Answer struct {
	Index    uint64
	Nodes    []string // those of its instances, whatever their state
	Services []string // the names of its instances, whatever their state: those of proxies differ from the query's
	Changed  bool
}

// A checkID tells checks apart.
type checkID struct{ node, check, service string }

// An instance is what is remembered of an Instance.
type instance struct {
	service, destination string // in lower case
	gateway              bool
	index                uint64
}

// note notes a reply to a shared query, and reports whether there was one before.
// A lower index than before is that of a store which was restored or replaced:
// what is known of indexes says nothing there.
func (d *Discovery) note(kind Kind, index uint64, now time.Time) (known bool) {
	before, known := d.replies[kind]
	d.replies[kind] = index
	if index < before {
		for _, u := range d.queries {
			u.index = 0
		}
		d.sweep.reset = d.tick(now)
	}
	d.recovered(Source{Kind: kind}, now)
	return known
}

// TakeChecks takes a reply for the critical or warning checks.
func (d *Discovery) TakeChecks(kind Kind, index uint64, list []Check, now time.Time) {
	before := d.replies[kind]
	d.note(kind, index, now)
	// An answer that is newer than one reply and older than the next may show
	// what came and went between the two, which their difference does not name.
	for _, u := range d.queries {
		if before > 0 && (u.busy || u.index > before && u.index < index) {
			d.name(u, always)
		}
	}
	old, checks := d.checks[kind], make(map[checkID]uint64, len(list))
	for _, c := range list {
		id := checkID{c.Node, c.CheckID, c.ServiceName}
		checks[id] = c.ModifyIndex
		if old[id] != c.ModifyIndex {
			d.flipped(id, c.ModifyIndex)
		}
	}
	for id := range old {
		if _, there := checks[id]; !there {
			d.flipped(id, always)
		}
	}
	d.vain[kind] = old != nil && maps.Equal(old, checks)
	d.checks[kind] = checks
}

// TakeNodes takes a reply for the nodes.
func (d *Discovery) TakeNodes(index uint64, list []CatalogNode, now time.Time) {
	known := d.note(Nodes, index, now)
	there := make(map[Source]bool, len(list))
	for _, n := range list {
		s := Source{Kind: Node, Name: n.Node}
		there[s] = true
		switch u := d.nodes[s]; {
		case u == nil:
			u = &unit{source: s, version: n.ModifyIndex}
			d.nodes[s] = u
			d.sweep.add(u)
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
func (d *Discovery) TakeInstances(node string, index uint64, list []Instance, now time.Time) {
	u := d.nodes[Source{Kind: Node, Name: node}]
	if u == nil {
		return
	}
	before := u.index
	d.done(u, index)
	if before > 0 && before != index {
		for q := range d.byNode[strings.ToLower(node)] {
			if q.index > before && q.index < index {
				d.name(q, always)
			}
		}
	}
	old, next := u.instances, make(map[string]instance, len(list))
	u.instances = next
	changed := false
	for _, i := range list {
		now := instance{strings.ToLower(i.Service), strings.ToLower(i.Proxy.DestinationServiceName), i.Kind == gateway, i.ModifyIndex}
		next[i.ID] = now
		if before, there := old[i.ID]; before != now {
			changed = true
			d.nameInstance(now, now.index)
			if there && (before.service != now.service || before.destination != now.destination) {
				d.nameInstance(before, always)
			}
		}
	}
	for id, before := range old {
		if _, there := next[id]; !there {
			changed = true
			d.nameInstance(before, always)
		}
	}
	for q := range d.byNode[strings.ToLower(node)] {
		switch {
		case changed && q.source.Query.Value().Kind == watch.NodeServices:
			d.name(q, always)
		case old == nil && !u.has(q.names): // its answer has an instance on this node
			d.name(q, always)
		}
	}
	if changed {
		if old != nil {
			d.promote(u, now)
		}
	}
	d.recovered(u.source, now)
}

// has reports whether a node has an instance of one of these services.
func (u *unit) has(services []string) bool {
	for _, i := range u.instances {
		if slices.Contains(services, i.service) || slices.Contains(services, i.destination) {
			return true
		}
	}
	return false
}

// gateway is the kind of the instances that stand for services which others name.
const gateway = "terminating-gateway"

// TakeServices takes a reply for the names and tags of services.
func (d *Discovery) TakeServices(index uint64, list map[string][]string, now time.Time) {
	before := d.replies[Services]
	known := d.note(Services, index, now)
	if index == before && known {
		return
	}
	d.sweep.hint = d.tick(now)
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
	first := u.index == 0
	d.done(u, a.Index)
	q := id.Value()
	if q.Kind == watch.NodeServices {
		d.byNode.set(u, &u.nodes, append(a.Nodes, q.Name))
	} else {
		d.byNode.set(u, &u.nodes, a.Nodes)
		d.byName.set(u, &u.names, append(a.Services, q.Name))
		for _, name := range a.Nodes {
			// The first reply for the node came while this answer was under way.
			node := d.nodes[Source{Kind: Node, Name: name}]
			if first && node != nil && node.instances != nil && !node.has(u.names) {
				d.name(u, always)
			}
		}
	}
	switch {
	case a.Changed && !first:
		d.promote(u, now)
	case !u.held && d.holding[Query] < d.roomFor(Query):
		d.hold(u, true) // it was released for the base sweep
	}
	d.recovered(u.source, now)
}
