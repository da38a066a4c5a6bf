package local

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hashicorp/consul/api"
	"go.yaml.in/yaml/v3"

	"restencil/watch"
	"restencil/watch/local/yamldoc"
)

// The node that stands for the agent where the data file lists no nodes.
const (
	localNode    = "localhost"
	localAddress = "127.0.0.1"
)

// A member is a node and its own checks, which apply to each of its services.
type member struct {
	node   *watch.Node
	checks api.HealthChecks
}

// members are the nodes of a datacenter: those that the file lists, in order, then
// those that only instances name.
type members struct {
	datacenter string
	list       []*member
	byName     map[string]*member
	byAddress  map[string]*member // the first one
	own        string             // the name of the agent's own node, "" if unknown
	listed     bool               // the file lists nodes, so that an unknown name is a mistake
}

// nodes returns the members in the section nodes, which may be nil.
func (d *decoder) nodes(n *yaml.Node, datacenter string) *members {
	ms := &members{
		datacenter: datacenter,
		byName:     make(map[string]*member),
		byAddress:  make(map[string]*member),
	}
	if n == nil || !d.WantMap(n, "nodes is a map from name to address") {
		return ms
	}
	for name, v := range yamldoc.Pairs(n) {
		ms.listed = true
		node, status := &watch.Node{Node: name.Value}, api.HealthPassing
		if yamldoc.IsMap(v) {
			d.Fields(v, "a node", yamldoc.Fields{
				"address":          func(n *yaml.Node) { node.Address = d.address(n) },
				"id":               func(n *yaml.Node) { node.ID = d.Text(n) },
				"meta":             func(n *yaml.Node) { node.Meta = yamldoc.MapOf(&d.Decoder, n, "meta", d.Text) },
				"status":           func(n *yaml.Node) { status = d.status(n) },
				"tagged_addresses": func(n *yaml.Node) { node.TaggedAddresses = yamldoc.MapOf(&d.Decoder, n, "tagged_addresses", d.Text) },
			})
		} else if !yamldoc.IsNull(v) {
			node.Address = d.address(v)
		}
		if node.Node == "" || node.Address == "" {
			d.Fail(name, "node %q needs a name and an address", node.Node)
		}
		ms.add(node, status)
	}
	return ms
}

// add adds a node, with the tagged addresses that an agent adds to its node.
func (ms *members) add(n *watch.Node, status string) *member {
	n.Datacenter = ms.datacenter
	tagged := make(map[string]string)
	maps.Copy(tagged, n.TaggedAddresses)
	for _, tag := range []string{"lan", "wan"} {
		if tagged[tag] == "" {
			tagged[tag] = n.Address
		}
		if f := family(tagged[tag]); f != "" && tagged[tag+f] == "" {
			tagged[tag+f] = tagged[tag]
		}
	}
	n.TaggedAddresses = tagged
	m := &member{node: n, checks: nodeChecks(n.Node, status)}
	ms.list = append(ms.list, m)
	ms.byName[n.Node] = m
	if ms.byAddress[n.Address] == nil {
		ms.byAddress[n.Address] = m
	}
	return m
}

// wantNode fails unless the file lists no nodes, or one of this name.
func (d *decoder) wantNode(n *yaml.Node, ms *members, name string) {
	if ms.listed && ms.byName[name] == nil {
		d.Fail(n, "nodes has no %q%s", name, yamldoc.Nearest(name, slices.Sorted(maps.Keys(ms.byName))))
	}
}

// home returns the agent's own node: the one that the file names, the first that
// it lists, or a new one.
func (ms *members) home() *member {
	switch m := ms.byName[ms.own]; {
	case m != nil:
		return m
	case ms.own == "" && ms.listed:
		return ms.list[0]
	case ms.own == "":
		ms.own = localNode
	}
	return ms.add(&watch.Node{Node: ms.own, Address: localAddress}, api.HealthPassing)
}

// nodeOf returns the node of an instance: the one it names, the one with its
// address, or the agent's own. It adds a node that is not listed.
func (d *decoder) nodeOf(s *instanceSpec, ms *members) *member {
	m := ms.byAddress[s.address]
	switch {
	case s.node != "":
		m = ms.byName[s.node]
		d.wantNode(s.at, ms, s.node)
		if m == nil && s.address == "" {
			d.Fail(s.at, "node %q has no address: give the instance one, or list the node in nodes", s.node)
		}
	case s.address == "":
		m = ms.home()
	case m == nil && ms.byName[s.address] != nil:
		d.Fail(s.at, "a node is named %q and has another address, so the instance must say its node", s.address)
	}
	if m == nil {
		m = ms.add(&watch.Node{Node: cmp.Or(s.node, s.address), Address: s.address}, api.HealthPassing)
	}
	return m
}
