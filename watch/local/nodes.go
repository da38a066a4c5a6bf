package local

import (
	"maps"
	"slices"

	"github.com/hashicorp/consul/api"
)

// The node that stands for the agent where the data file lists no nodes.
const (
	localNode    = "localhost"
	localAddress = "127.0.0.1"
)

// A member is a node with its own checks, which count for each of its
// services.
type member struct {
	node   *api.Node
	checks api.HealthChecks
}

// members are the nodes of a datacenter, in the order of the file; those that
// only instances name follow.
type members struct {
	datacenter string
	list       []*member
	byName     map[string]*member
	byAddress  map[string]*member // the first one
	own        string             // the name of the agent's own node, "" where it is not known
	listed     bool               // the file lists nodes, so that an unknown name is a mistake
}

// readNodes reads the section nodes; v may be nil.
func readNodes(v *value, datacenter string) (*members, error) {
	ms := &members{
		datacenter: datacenter,
		byName:     make(map[string]*member),
		byAddress:  make(map[string]*member),
	}
	if v == nil {
		return ms, nil
	}
	if v.kind != table {
		return nil, v.errorf("nodes is a map from name to address, not %s", v.kind)
	}
	ms.listed = len(v.fields) > 0
	for _, f := range v.fields {
		m, err := readNode(f)
		if err != nil {
			return nil, err
		}
		ms.add(m)
	}
	return ms, nil
}

// readNode reads "name: address" or "name: {address: …, …}".
func readNode(f field) (*member, error) {
	n := &api.Node{Node: f.name}
	status := api.HealthPassing
	err := error(nil)
	if f.value.kind == table {
		err = readFields(f.value, "a node", readers{
			"address":          setAddress(&n.Address),
			"id":               setText(&n.ID),
			"meta":             setTextMap(&n.Meta, "meta"),
			"status":           setStatus(&status),
			"tagged_addresses": setTextMap(&n.TaggedAddresses, "tagged_addresses"),
		})
	} else if f.value.kind != null {
		err = setAddress(&n.Address)(f.value)
	}
	if err == nil && (f.name == "" || n.Address == "") {
		err = f.errorf("node %q needs a name and an address", f.name)
	}
	return newMember(n, status), err
}

func newMember(n *api.Node, status string) *member {
	n.TaggedAddresses = nodeAddresses(n)
	return &member{node: n, checks: nodeChecks(n.Node, status)}
}

// nodeAddresses adds the tagged addresses that an agent gives its node by
// itself.
func nodeAddresses(n *api.Node) map[string]string {
	tagged := maps.Clone(n.TaggedAddresses)
	if tagged == nil {
		tagged = make(map[string]string)
	}
	for _, tag := range []string{"lan", "wan"} {
		if tagged[tag] == "" {
			tagged[tag] = n.Address
		}
		if f := family(tagged[tag]); f != "" && tagged[tag+f] == "" {
			tagged[tag+f] = tagged[tag]
		}
	}
	return tagged
}

func (ms *members) add(m *member) *member {
	m.node.Datacenter = ms.datacenter
	ms.list = append(ms.list, m)
	ms.byName[m.node.Node] = m
	if ms.byAddress[m.node.Address] == nil {
		ms.byAddress[m.node.Address] = m
	}
	return m
}

func (ms *members) names() []string { return slices.Sorted(maps.Keys(ms.byName)) }

// home returns the agent's own node: the one that the file says, the first
// that it lists, or one that is made for the purpose.
func (ms *members) home() *member {
	if m := ms.byName[ms.own]; m != nil {
		return m
	}
	if ms.own == "" && ms.listed {
		return ms.list[0]
	}
	if ms.own == "" {
		ms.own = localNode
	}
	return ms.add(newMember(&api.Node{Node: ms.own, Address: localAddress}, api.HealthPassing))
}

// find returns the node that an instance is on: the one it names, the one with
// its address, or the agent's own. Nodes that are not listed are made.
func (ms *members) find(s *instanceSpec) (*member, error) {
	if s.node != "" {
		return ms.named(s)
	}
	if s.address == "" {
		return ms.home(), nil
	}
	if m := ms.byAddress[s.address]; m != nil {
		return m, nil
	}
	if ms.byName[s.address] != nil {
		return nil, s.errorf("a node is named %q and has another address, so the instance must say its node", s.address)
	}
	return ms.add(newMember(&api.Node{Node: s.address, Address: s.address}, api.HealthPassing)), nil
}

func (ms *members) named(s *instanceSpec) (*member, error) {
	if m := ms.byName[s.node]; m != nil {
		return m, nil
	}
	if ms.listed {
		return nil, s.errorf("nodes has no %q%s", s.node, suggest(s.node, ms.names()))
	}
	if s.address == "" {
		return nil, s.errorf("node %q has no address: give the instance one, or list the node in nodes", s.node)
	}
	return ms.add(newMember(&api.Node{Node: s.node, Address: s.address}, api.HealthPassing)), nil
}
