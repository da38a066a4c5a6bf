package local

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/hashicorp/consul/api"
)

// An instance is one instance of a service.
type instance struct {
	entry *api.ServiceEntry
	mesh  []string // the services that Connect reaches through it
}

// An instanceSpec is an instance as the file describes it. What stands beside
// "instances" is the value that each of them begins with.
type instanceSpec struct {
	position
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

// readServices reads the section services, and makes the nodes that it names.
// The instances are in the order of the file.
func readServices(v *value, nodes *members) ([]*instance, error) {
	if v == nil {
		return nil, nil
	}
	if v.kind != table {
		return nil, v.errorf("services is a map, not %s", v.kind)
	}
	var specs []*instanceSpec
	for _, f := range v.fields {
		some, err := readService(f)
		if err != nil {
			return nil, err
		}
		specs = append(specs, some...)
	}
	return place(specs, nodes)
}

// readService reads one service: an address, a list of instances, a map that
// is its one instance, or a map that lists them beside what they share.
func readService(f field) ([]*instanceSpec, error) {
	if f.name == "" {
		return nil, f.errorf("a service has no name")
	}
	shared := instanceSpec{
		position: f.position,
		service:  f.name,
		weights:  api.AgentWeights{Passing: 1, Warning: 1},
	}
	if f.value.kind != table {
		return readInstances(f.value, shared)
	}
	var instances *value
	fields := shared.readers()
	fields["instances"] = func(v *value) error { instances = v; return nil }
	if err := readFields(f.value, "a service", fields); err != nil {
		return nil, err
	}
	if instances == nil && !f.value.has("instances") {
		return []*instanceSpec{&shared}, nil
	}
	return readInstances(instances, shared)
}

// readInstances reads a list of instances, or one; v may be nil.
func readInstances(v *value, shared instanceSpec) ([]*instanceSpec, error) {
	if v == nil {
		return nil, nil
	}
	var specs []*instanceSpec
	for _, item := range listOf(v) {
		s := shared
		s.position = item.position
		if err := s.read(item); err != nil {
			return nil, err
		}
		specs = append(specs, &s)
	}
	return specs, nil
}

// read reads an instance: "address:port", or a map.
func (s *instanceSpec) read(v *value) error {
	if v.kind == table {
		return readFields(v, "an instance", s.readers())
	}
	if v.kind == null {
		return v.errorf("an instance of %s is missing after the dash", s.service)
	}
	e, err := readEndpoint(v)
	s.address = cmp.Or(e.address, s.address)
	s.port = cmp.Or(e.port, s.port)
	return err
}

func (s *instanceSpec) readers() readers {
	return readers{
		"address":          setAddress(&s.address),
		"checks":           func(v *value) (err error) { s.checks, err = readChecks(v); return err },
		"connect":          setFlag(&s.connect, "connect"),
		"id":               setText(&s.id),
		"meta":             setTextMap(&s.meta, "meta"),
		"node":             setText(&s.node),
		"port":             setNumber(&s.port, "a port", maxPort),
		"proxy_for":        setText(&s.proxyFor),
		"status":           setStatus(&s.status),
		"tagged_addresses": s.readTagged,
		"tags":             setTexts(&s.tags),
		"weights":          s.readWeights,
	}
}

func (s *instanceSpec) readWeights(v *value) error {
	const most = 65535
	s.weights = api.AgentWeights{Passing: 1, Warning: 1}
	return readFields(v, "weights", readers{
		"passing": setNumber(&s.weights.Passing, "a weight", most),
		"warning": setNumber(&s.weights.Warning, "a weight", most),
	})
}

func (s *instanceSpec) readTagged(v *value) error {
	if v.kind != table {
		return v.errorf("tagged_addresses is a map, not %s", v.kind)
	}
	s.tagged = make(map[string]endpoint, len(v.fields))
	for _, f := range v.fields {
		e, err := readEndpoint(f.value)
		if err != nil {
			return err
		}
		s.tagged[f.name] = e
	}
	return nil
}

// place puts each instance on its node and gives it an id.
func place(specs []*instanceSpec, nodes *members) ([]*instance, error) {
	homes := make([]*member, len(specs))
	ids := idSet{taken: make(map[instanceID]*instanceSpec), used: make(map[string]bool), next: make(map[string]int)}
	for i, s := range specs {
		m, err := nodes.find(s)
		if err != nil {
			return nil, err
		}
		homes[i] = m
		if err := ids.claim(m, s); err != nil {
			return nil, err
		}
	}
	instances := make([]*instance, len(specs))
	for i, s := range specs {
		if s.id == "" {
			s.id = ids.choose(s.service)
		}
		instances[i] = s.build(homes[i])
	}
	return instances, nil
}

// An idSet gives out ids. Those that the file gives are unique on their node,
// as Consul wants it; those that are made are unique in the datacenter, so that
// a template can name things by them.
type idSet struct {
	taken map[instanceID]*instanceSpec
	used  map[string]bool // on any node
	next  map[string]int  // for an id that is used: the number to try next
}

type instanceID struct {
	node *member
	id   string
}

// claim takes the id that the file gives an instance.
func (ids idSet) claim(m *member, s *instanceSpec) error {
	if s.id == "" {
		return nil
	}
	if other := ids.taken[instanceID{m, s.id}]; other != nil {
		return s.errorf("node %q has two instances with id %q, the first on line %d", m.node.Node, s.id, other.line)
	}
	ids.taken[instanceID{m, s.id}] = s
	ids.used[s.id] = true
	return nil
}

// choose takes the first free of web, web-2, web-3, …
func (ids idSet) choose(service string) string {
	id := service
	for n := max(2, ids.next[service]); ids.used[id]; n++ {
		id = service + "-" + strconv.Itoa(n)
		ids.next[service] = n
	}
	ids.used[id] = true
	return id
}

// build makes the instance as Consul's health endpoints give it.
func (s *instanceSpec) build(m *member) *instance {
	svc := &api.AgentService{
		ID:              s.id,
		Service:         s.service,
		Tags:            append([]string{}, s.tags...),
		Meta:            maps.Clone(s.meta),
		Port:            s.port,
		Address:         s.address,
		TaggedAddresses: s.taggedAddresses(),
		Weights:         s.weights,
		Datacenter:      m.node.Datacenter,
	}
	checks := slices.Clone(m.checks)
	for _, c := range serviceChecks(s, svc) {
		c.Node, c.ServiceID, c.ServiceName, c.ServiceTags = m.node.Node, svc.ID, svc.Service, svc.Tags
		checks = append(checks, c)
	}
	inst := &instance{entry: &api.ServiceEntry{Node: m.node, Service: svc, Checks: checks}}
	if s.connect {
		inst.mesh = append(inst.mesh, s.service)
	}
	if s.proxyFor != "" && !hasTag(inst.mesh, s.proxyFor) {
		inst.mesh = append(inst.mesh, s.proxyFor)
	}
	return inst
}

// taggedAddresses adds those that an agent gives a service by itself.
func (s *instanceSpec) taggedAddresses() map[string]api.ServiceAddress {
	f := family(s.address)
	if len(s.tagged) == 0 && f == "" {
		return nil
	}
	tagged := make(map[string]api.ServiceAddress)
	if f != "" {
		own := api.ServiceAddress{Address: s.address, Port: s.port}
		tagged["lan"+f], tagged["wan"+f] = own, own
	}
	for tag, e := range s.tagged {
		tagged[tag] = api.ServiceAddress{Address: e.address, Port: cmp.Or(e.port, s.port)}
	}
	return tagged
}
