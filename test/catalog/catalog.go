// Package catalog simulates Consul's catalog for tests: nodes, instances, checks,
// and which blocking query ends at which change, as measured on a real one.
package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// A Catalog is nodes, with the instances of services and the checks on them. It
// is not safe for concurrent use.
type Catalog struct {
	Index uint64
	Nodes map[string]*Node

	critical, warning, nodes, services uint64 // the index at which each of these lists changed last
	node, service                      map[string]uint64
	states                             map[string]int                 // how many checks are in each
	placed                             map[string]map[*Instance]*Node // the instances of a service, or proxies for it
}

// A Node is a node.
type Node struct {
	Name, Address string
	Status        string // of its check, "" for none
	StatusIndex   uint64
	Index         uint64
	Instances     map[string]*Instance
}

// An Instance is an instance of a service.
type Instance struct {
	ID, Service string
	Destination string // of a proxy
	Tag         string
	Port        int
	Index       uint64
	Status      string // of its check, "" for none
	StatusIndex uint64
}

// New returns a catalog that is empty.
func New() *Catalog {
	return &Catalog{
		Index: 10, Nodes: make(map[string]*Node), critical: 10, warning: 10, nodes: 10, services: 10,
		node: make(map[string]uint64), service: make(map[string]uint64), states: make(map[string]int),
		placed: make(map[string]map[*Instance]*Node),
	}
}

// Checks returns the index of the checks in a state.
func (c *Catalog) Checks(status string) uint64 {
	if status == "critical" {
		return c.critical
	}
	return c.warning
}

// NodesIndex returns the index of the list of nodes, and ServicesIndex that of
// the list of services.
func (c *Catalog) NodesIndex() uint64    { return c.nodes }
func (c *Catalog) ServicesIndex() uint64 { return c.services }

// NodeIndex returns the index of the services of a node.
func (c *Catalog) NodeIndex(name string) uint64 { return cmp.Or(c.node[name], 10) }

// ServiceIndex returns the index of the instances of a service.
func (c *Catalog) ServiceIndex(name string) uint64 { return cmp.Or(c.service[name], 10) }

// Forget has the index begin anew, as in a cluster that was restored.
func (c *Catalog) Forget() {
	c.Index = 11
	c.critical, c.warning, c.nodes, c.services = 11, 11, 11, 11
	for name := range c.node {
		c.node[name] = 11
	}
	for name := range c.service {
		c.service[name] = 11
	}
	for _, n := range c.Nodes {
		n.Index, n.StatusIndex = 11, 11
		for _, i := range n.Instances {
			i.Index, i.StatusIndex = 11, 11
		}
	}
}

// SetNode registers a node, or changes its address.
func (c *Catalog) SetNode(name, address string) *Node {
	n := c.Nodes[name]
	if n == nil {
		n = &Node{Name: name, Instances: make(map[string]*Instance)}
		c.Nodes[name] = n
	}
	if n.Address != address {
		c.Index++
		n.Address, n.Index, c.nodes, c.node[name] = address, c.Index, c.Index, c.Index
		for _, i := range n.Instances {
			c.touch(i)
		}
	}
	return n
}

// DropNode removes a node, which its own list of services does not show.
func (c *Catalog) DropNode(name string) {
	n := c.Nodes[name]
	if n == nil {
		return
	}
	c.Index++
	c.checkMoved(n.Status, "")
	for _, i := range n.Instances {
		c.checkMoved(i.Status, "")
		c.touch(i)
		c.place(i, nil)
	}
	delete(c.Nodes, name)
	c.nodes, c.services = c.Index, c.Index
}

// touch notes that the services that i belongs to have changed.
func (c *Catalog) touch(i *Instance) {
	c.service[i.Service] = c.Index
	if i.Destination != "" {
		c.service[i.Destination] = c.Index
	}
}

// place files i under its service, or takes it out where n is nil.
func (c *Catalog) place(i *Instance, n *Node) {
	for _, name := range []string{i.Service, proxied(i.Destination)} {
		switch {
		case n == nil:
			delete(c.placed[name], i)
		case c.placed[name] == nil:
			c.placed[name] = map[*Instance]*Node{i: n}
		default:
			c.placed[name][i] = n
		}
	}
}

// proxied is the name under which the proxies for a service are filed.
func proxied(service string) string { return "proxies for " + service }

// checkMoved notes that a check has gone from one state to another, or changed
// its output in it. A list that is empty ends at every change.
func (c *Catalog) checkMoved(from, to string) {
	c.states[from]--
	c.states[to]++
	for status, index := range map[string]*uint64{"critical": &c.critical, "warning": &c.warning} {
		if from == status || to == status || c.states[status] == 0 {
			*index = c.Index
		}
	}
}

// Register registers an instance, or changes it. Its check, if it has one, stays
// as it is where status is "".
func (c *Catalog) Register(node string, i Instance) {
	n := c.Nodes[node]
	if n == nil {
		n = c.SetNode(node, "10.0.0.1")
	}
	c.Index++
	old := n.Instances[i.ID]
	if old != nil {
		c.touch(old)
		c.place(old, nil)
		i.Status, i.StatusIndex = cmp.Or(i.Status, old.Status), old.StatusIndex
	}
	if old == nil && i.Status != "" || old != nil && old.Status != i.Status {
		i.StatusIndex = c.Index
		from := ""
		if old != nil {
			from = old.Status
		}
		c.checkMoved(from, i.Status)
	}
	i.Index = c.Index
	n.Instances[i.ID] = &i
	c.place(&i, n)
	c.touch(&i)
	c.services, c.node[node] = c.Index, c.Index
}

// Deregister removes an instance.
func (c *Catalog) Deregister(node, id string) {
	n := c.Nodes[node]
	if n == nil || n.Instances[id] == nil {
		return
	}
	c.Index++
	i := n.Instances[id]
	delete(n.Instances, id)
	c.place(i, nil)
	c.checkMoved(i.Status, "")
	c.touch(i)
	c.services, c.node[node] = c.Index, c.Index
}

// SetCheck changes the state of an instance's check, if it has one.
func (c *Catalog) SetCheck(node, id, status string) {
	n := c.Nodes[node]
	if n == nil || n.Instances[id] == nil || n.Instances[id].Status == "" {
		return
	}
	c.Index++
	i := n.Instances[id]
	from := i.Status
	i.Status, i.StatusIndex = status, c.Index
	c.checkMoved(from, status)
	c.touch(i)
}

// SetNodeCheck changes the state of a node's check.
func (c *Catalog) SetNodeCheck(node, status string) {
	n := c.Nodes[node]
	if n == nil {
		return
	}
	c.Index++
	from := n.Status
	n.Status, n.StatusIndex = status, c.Index
	c.checkMoved(from, status)
	for _, i := range n.Instances {
		c.touch(i)
	}
}

// A State is a check in a state.
type State struct {
	Node     *Node
	Instance *Instance // nil: the check is the node's
}

// States returns the checks in a state.
func (c *Catalog) States(status string) []State {
	var list []State
	for _, n := range c.Nodes {
		if n.Status == status {
			list = append(list, State{Node: n})
		}
		for _, i := range n.Instances {
			if i.Status == status {
				list = append(list, State{n, i})
			}
		}
	}
	return list
}

// Tags returns the tags of each service, sorted.
func (c *Catalog) Tags() map[string][]string {
	tags := make(map[string][]string)
	for _, n := range c.Nodes {
		for _, i := range n.Instances {
			if tags[i.Service] = append(tags[i.Service], []string{}...); i.Tag != "" && !slices.Contains(tags[i.Service], i.Tag) {
				tags[i.Service] = append(tags[i.Service], i.Tag)
			}
		}
	}
	for _, list := range tags {
		slices.Sort(list)
	}
	return tags
}

// A Placed instance is one with its node.
type Placed struct {
	Node *Node
	*Instance
}

// Instances returns the instances of a service, or the proxies for it, by node
// and ID.
func (c *Catalog) Instances(service string, proxies bool) []Placed {
	if proxies {
		service = proxied(service)
	}
	var list []Placed
	for i, n := range c.placed[service] {
		list = append(list, Placed{n, i})
	}
	slices.SortFunc(list, func(a, b Placed) int {
		return cmp.Or(cmp.Compare(a.Node.Name, b.Node.Name), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Passing reports whether nothing is wrong with the instance or its node.
func (p Placed) Passing() bool {
	fine := func(status string) bool { return status == "" || status == "passing" }
	return fine(p.Node.Status) && fine(p.Status)
}

// Change makes a change of a random kind, of one of the services with this
// prefix and number, on one of the nodes.
func (c *Catalog) Change(random *rand.Rand, prefix string, services, nodes int) {
	node := fmt.Sprint("n", random.IntN(nodes))
	service := fmt.Sprint(prefix, random.IntN(services))
	id := service
	if ids := slices.Sorted(maps.Keys(c.instancesOf(node, prefix))); len(ids) > 0 && random.IntN(3) > 0 {
		id = ids[random.IntN(len(ids))]
		service = c.Nodes[node].Instances[id].Service
	}
	states := []string{"passing", "passing", "warning", "critical"}
	status := states[random.IntN(len(states))]
	i := Instance{ID: id, Service: service, Port: random.IntN(1000), Tag: fmt.Sprint("t", random.IntN(3))}
	switch random.IntN(10) {
	case 0, 1:
		i.Status = status
		c.Register(node, i)
	case 2:
		c.Register(node, i)
	case 3:
		c.Deregister(node, id)
	case 4:
		if prefix == "s" { // the other services share the nodes
			c.SetNodeCheck(node, status)
		}
	case 5:
		if prefix == "s" && c.Nodes[node] != nil {
			c.SetNode(node, fmt.Sprint("10.0.1.", random.IntN(200)))
		}
	case 6:
		if prefix == "s" && random.IntN(4) == 0 {
			c.DropNode(node)
		}
	case 7:
		i.ID, i.Service, i.Destination, i.Status = id+"-proxy", service+"-proxy", service, status
		c.Register(node, i)
	default:
		c.SetCheck(node, id, status)
	}
}

// instancesOf returns the instances on a node of services with a prefix.
func (c *Catalog) instancesOf(node, prefix string) map[string]*Instance {
	found := make(map[string]*Instance)
	if n := c.Nodes[node]; n != nil {
		for id, i := range n.Instances {
			if len(id) >= len(prefix) && id[:len(prefix)] == prefix && i.Destination == "" {
				found[id] = i
			}
		}
	}
	return found
}
