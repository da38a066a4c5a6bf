package local

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/hashicorp/consul/api"
	"go.yaml.in/yaml/v3"

	"restencil/watch"
	"restencil/watch/local/yamldoc"
)

// An instance is an instance of a service, as Consul's endpoints return it.
type instance struct {
	health  *watch.HealthService
	catalog *watch.CatalogNodeService
	mesh    []string // the services that Connect reaches through it
}

// An instanceSpec is an instance as the file describes it. The fields beside
// "instances" are the defaults of each instance.
type instanceSpec struct {
	at      *yaml.Node
	service string

	endpoint
	id, node string
	tags     []string
	meta     map[string]string
	tagged   map[string]endpoint
	weights  api.AgentWeights
	status   string
	checks   api.HealthChecks
	connect  bool
	proxyFor string
}

// services returns the instances in the section services, which may be nil, in the
// order of the file. It adds the nodes that they name to nodes.
func (d *decoder) services(n *yaml.Node, nodes *members) []*instance {
	if n == nil || !d.WantMap(n, "services is a map") {
		return nil
	}
	var specs []*instanceSpec
	for name, v := range yamldoc.Pairs(n) {
		specs = append(specs, d.service(name, v)...)
	}
	return d.place(specs, nodes)
}

// service returns the instances of one service, which is an address, a list of
// instances, a map that is one instance, or a map with a list of instances and
// their defaults.
func (d *decoder) service(name, v *yaml.Node) []*instanceSpec {
	if name.Value == "" {
		d.Fail(name, "a service has no name")
	}
	shared := instanceSpec{
		at:      name,
		service: name.Value,
		weights: api.AgentWeights{Passing: 1, Warning: 1},
	}
	if !yamldoc.IsMap(v) {
		return d.instances(v, shared)
	}
	known := shared.fields(d)
	known["instances"] = func(*yaml.Node) {} // below, when the defaults are known
	d.Fields(v, "a service", known)
	for field, list := range yamldoc.Pairs(v) {
		if field.Value == "instances" {
			return d.instances(list, shared)
		}
	}
	return []*instanceSpec{&shared}
}

// instances returns the instances in a list, or the one that stands for a list.
func (d *decoder) instances(n *yaml.Node, shared instanceSpec) (specs []*instanceSpec) {
	for _, item := range yamldoc.List(n) {
		s := shared
		s.at = item
		switch {
		case yamldoc.IsMap(item):
			d.Fields(item, "an instance", s.fields(d))
		case yamldoc.IsNull(item):
			d.Fail(item, "an instance of %s is missing after the dash", s.service)
		default:
			e := d.endpoint(item)
			s.address, s.port = cmp.Or(e.address, s.address), cmp.Or(e.port, s.port)
		}
		specs = append(specs, &s)
	}
	return specs
}

func (s *instanceSpec) fields(d *decoder) yamldoc.Fields {
	return yamldoc.Fields{
		"address": func(n *yaml.Node) { s.address = d.address(n) },
		"checks":  func(n *yaml.Node) { s.checks = d.checks(n) },
		"connect": func(n *yaml.Node) {
			if s.connect = n.Value == "true"; !s.connect && n.Value != "false" {
				d.Fail(n, "connect is true or false")
			}
		},
		"id":               func(n *yaml.Node) { s.id = d.Text(n) },
		"meta":             func(n *yaml.Node) { s.meta = yamldoc.MapOf(&d.Decoder, n, "meta", d.Text) },
		"node":             func(n *yaml.Node) { s.node = d.Text(n) },
		"port":             func(n *yaml.Node) { s.port = d.Number(n, "a port") },
		"proxy_for":        func(n *yaml.Node) { s.proxyFor = d.Text(n) },
		"status":           func(n *yaml.Node) { s.status = d.status(n) },
		"tagged_addresses": func(n *yaml.Node) { s.tagged = yamldoc.MapOf(&d.Decoder, n, "tagged_addresses", d.endpoint) },
		"tags":             func(n *yaml.Node) { s.tags = d.Texts(n) },
		"weights": func(n *yaml.Node) {
			s.weights = api.AgentWeights{Passing: 1, Warning: 1}
			d.Fields(n, "weights", yamldoc.Fields{
				"passing": func(n *yaml.Node) { s.weights.Passing = d.Number(n, "a weight") },
				"warning": func(n *yaml.Node) { s.weights.Warning = d.Number(n, "a weight") },
			})
		},
	}
}

// place puts each instance on its node and gives it an ID: the one in the file,
// which must be unique on its node, as in Consul; otherwise one that is unique in
// the datacenter, so that a template can use it as a name.
func (d *decoder) place(specs []*instanceSpec, nodes *members) []*instance {
	type id struct {
		node *member
		text string
	}
	homes := make([]*member, len(specs))
	taken := make(map[id]*instanceSpec)
	used := make(map[string]bool)
	for i, s := range specs {
		homes[i] = d.nodeOf(s, nodes)
		if s.id == "" {
			continue
		}
		own := id{homes[i], s.id}
		if other := taken[own]; other != nil {
			d.Fail(s.at, "node %q has two instances with id %q, the first on line %d", own.node.node.Node, s.id, other.at.Line)
		}
		taken[own], used[s.id] = s, true
	}
	last := make(map[string]int) // the last number tried, by service
	instances := make([]*instance, len(specs))
	for i, s := range specs {
		if s.id == "" { // the first unused one of web, web-2, web-3, …
			s.id = s.service
			for used[s.id] {
				last[s.service] = max(2, last[s.service]+1)
				s.id = s.service + "-" + strconv.Itoa(last[s.service])
			}
			used[s.id] = true
		}
		instances[i] = s.build(homes[i])
	}
	return instances
}

func (s *instanceSpec) build(m *member) *instance {
	s.tags = append([]string{}, s.tags...) // never nil
	tags, n := watch.SortedTags(s.tags), m.node
	checks := slices.Concat(m.checks, serviceChecks(s, n.Node))
	var tagged map[string]api.ServiceAddress // those of the file, and those that an agent adds
	if ip := family(s.address); len(s.tagged) > 0 || ip != "" {
		tagged = make(map[string]api.ServiceAddress)
		if ip != "" {
			own := api.ServiceAddress{Address: s.address, Port: s.port}
			tagged["lan"+ip], tagged["wan"+ip] = own, own
		}
		for tag, e := range s.tagged {
			tagged[tag] = api.ServiceAddress{Address: e.address, Port: cmp.Or(e.port, s.port)}
		}
	}
	inst := &instance{
		health: &watch.HealthService{
			Node: n.Node, NodeID: n.ID, NodeAddress: n.Address,
			NodeTaggedAddresses: n.TaggedAddresses, NodeMeta: n.Meta,
			ID: s.id, Name: s.service, Tags: tags, Port: s.port, Weights: s.weights,
			Address:                cmp.Or(s.address, n.Address),
			ServiceTaggedAddresses: tagged, ServiceMeta: s.meta,
			Checks: checks, Status: checks.AggregatedStatus(),
		},
		catalog: &watch.CatalogNodeService{
			ID: s.id, Service: s.service, Tags: tags, Meta: s.meta, Port: s.port, Address: s.address,
		},
	}
	if s.connect {
		inst.mesh = append(inst.mesh, s.service)
	}
	if s.proxyFor != "" && !containsFold(inst.mesh, s.proxyFor) {
		inst.mesh = append(inst.mesh, s.proxyFor)
	}
	return inst
}

func (d *decoder) status(n *yaml.Node) string {
	return d.Word(n, "a status", api.HealthPassing, api.HealthWarning, api.HealthCritical, api.HealthMaint)
}

// checks returns the checks of an instance, each written as "name: status" or
// "name: {status: …, output: …}". serviceChecks fills in the instance.
func (d *decoder) checks(n *yaml.Node) (checks api.HealthChecks) {
	if !d.WantMap(n, "checks is a map from name to status") {
		return nil
	}
	for name, v := range yamldoc.Pairs(n) {
		c := &api.HealthCheck{CheckID: name.Value, Name: name.Value, Status: api.HealthPassing}
		setStatus := func(n *yaml.Node) {
			c.Status = d.Word(n, "the status of a check", api.HealthPassing, api.HealthWarning, api.HealthCritical)
		}
		switch {
		case yamldoc.IsMap(v):
			d.Fields(v, "a check", yamldoc.Fields{
				"name":   func(n *yaml.Node) { c.Name = d.Text(n) },
				"notes":  func(n *yaml.Node) { c.Notes = d.Text(n) },
				"output": func(n *yaml.Node) { c.Output = d.Text(n) },
				"status": setStatus,
				"type":   func(n *yaml.Node) { c.Type = d.Text(n) },
			})
		case !yamldoc.IsNull(v):
			setStatus(v)
		}
		checks = append(checks, c)
	}
	slices.SortFunc(checks, func(a, b *api.HealthCheck) int { return cmp.Compare(a.CheckID, b.CheckID) })
	return checks
}

// nodeChecks returns the checks that Consul has for a node with an agent.
func nodeChecks(node, status string) api.HealthChecks {
	serf := &api.HealthCheck{
		Node: node, CheckID: "serfHealth", Name: "Serf Health Status", Status: status,
		Output: "Agent alive and reachable", ServiceTags: []string{},
	}
	switch status {
	case api.HealthCritical:
		serf.Output = "Agent not live or unreachable"
	case api.HealthMaint:
		serf.Status = api.HealthPassing
		return api.HealthChecks{{
			Node: node, CheckID: api.NodeMaint, Name: "Node Maintenance Mode", Status: api.HealthCritical,
			ServiceTags: []string{}, Type: "maintenance",
		}, serf}
	}
	return api.HealthChecks{serf}
}

// serviceChecks returns the checks of an instance: those that it lists, and one
// with its status.
func serviceChecks(s *instanceSpec, node string) api.HealthChecks {
	var checks api.HealthChecks
	switch s.status {
	case "":
	case api.HealthMaint:
		checks = append(checks, &api.HealthCheck{
			CheckID: api.ServiceMaintPrefix + s.id, Name: "Service Maintenance Mode",
			Status: api.HealthCritical, Type: "maintenance",
		})
	default:
		checks = append(checks, &api.HealthCheck{
			CheckID: "service:" + s.id, Name: "Service '" + s.service + "' check", Status: s.status,
		})
	}
	for _, c := range s.checks {
		own := *c // several instances may share a default
		checks = append(checks, &own)
	}
	for _, c := range checks {
		c.Node, c.ServiceID, c.ServiceName, c.ServiceTags = node, s.id, s.service, s.tags
	}
	return checks
}
