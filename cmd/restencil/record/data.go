package record

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/consul/api"
	"go.yaml.in/yaml/v3"

	"restencil/watch"
)

// A data is the content of a data file, or of a cluster in it.
type data struct {
	Datacenter  string `yaml:"datacenter,omitempty"`
	Node        string `yaml:"node,omitempty"`
	site        `yaml:",inline"`
	Secrets     map[string]any   `yaml:"secrets,omitempty"`
	Nomad       nomad            `yaml:"nomad,omitempty"`
	Datacenters map[string]*site `yaml:"datacenters,omitempty"`
	Clusters    map[string]*data `yaml:"clusters,omitempty"`

	mask *masker
	own  string // the agent's own datacenter
}

// A site is the data of one datacenter.
type site struct {
	Keys     map[string]string      `yaml:"keys"` // always there, for a data file has something
	Nodes    map[string]*node       `yaml:"nodes,omitempty"`
	Services map[string][]*instance `yaml:"services,omitempty"`
}

type node struct {
	Address string            `yaml:"address"`
	ID      string            `yaml:"id,omitempty"`
	Meta    map[string]string `yaml:"meta,omitempty"`
	Status  string            `yaml:"status,omitempty"`
	Tagged  map[string]string `yaml:"tagged_addresses,omitempty"`
}

type instance struct {
	ID       string            `yaml:"id,omitempty"`
	Node     string            `yaml:"node,omitempty"`
	Address  string            `yaml:"address,omitempty"`
	Port     int               `yaml:"port,omitempty"`
	Tags     []string          `yaml:"tags,omitempty"`
	Meta     map[string]string `yaml:"meta,omitempty"`
	Status   string            `yaml:"status,omitempty"`
	Checks   map[string]check  `yaml:"checks,omitempty"`
	Weights  map[string]int    `yaml:"weights,omitempty"`
	Tagged   map[string]string `yaml:"tagged_addresses,omitempty"`
	Connect  bool              `yaml:"connect,omitempty"`
	ProxyFor string            `yaml:"proxy_for,omitempty"`
}

type check struct {
	Status string `yaml:"status"`
	Name   string `yaml:"name,omitempty"`
	Output string `yaml:"output,omitempty"`
	Notes  string `yaml:"notes,omitempty"`
	Type   string `yaml:"type,omitempty"`
}

// A nomad is the data of Nomad.
type nomad struct {
	Services  map[string][]*nomadInstance  `yaml:"services,omitempty"`
	Variables map[string]map[string]string `yaml:"variables,omitempty"`
}

type nomadInstance struct {
	ID         string   `yaml:"id"`
	Address    string   `yaml:"address,omitempty"`
	Port       int      `yaml:"port,omitempty"`
	Tags       []string `yaml:"tags,omitempty"`
	Node       string   `yaml:"node"`
	Datacenter string   `yaml:"datacenter"`
	Job        string   `yaml:"job"`
	Alloc      string   `yaml:"alloc"`
}

const header = `# Recorded by restencil record: what templates ask of Consul, Vault and Nomad.
# Values of Vault and of Nomad's variables are placeholders of the same kind. Those of
# Consul are real.
`

// Write writes the answers to queries, but for those that are files, as a data file.
// Secrets are masked. What such a file cannot hold is named in comments.
func Write(w io.Writer, answers map[watch.Query]any) error {
	// With Near the order counts, and an answer of health has more than others.
	order := slices.Collect(maps.Keys(answers))
	order = slices.DeleteFunc(order, func(q watch.Query) bool { return q.Store() == watch.Files })
	sort.Slice(order, func(i, j int) bool { // not slices.SortFunc, which is compiled again for each type
		rank := func(q watch.Query) int {
			rank := slices.Index([]watch.Kind{watch.ServiceHealth, watch.ConnectHealth, watch.NodeServices, watch.NodeList, watch.ServiceList, watch.NomadService, watch.NomadVarGet, watch.NomadServiceList, watch.NomadVarList}, q.Kind) * 2
			if q.Near == "" {
				rank++
			}
			return rank
		}
		a, b := order[i], order[j]
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.String(), b.String())) < 0
	})
	d := newData(answers, "", new(masker))
	text := header
	for _, q := range order {
		into := d
		if q.Cluster != "" {
			if into = d.Clusters[q.Cluster]; into == nil {
				into = newData(answers, q.Cluster, d.mask)
				d.Clusters = with(d.Clusters, q.Cluster, into)
			}
		}
		answer := watch.Reveal(answers[q])
		if q.Datacenter == into.own {
			q.Datacenter = ""
		}
		if err := into.add(q, answer); err != nil {
			line := fmt.Sprintf("%s: %v", q.Describe(false), err)
			text += "# Not recorded: " + strings.NewReplacer("\n", "; ", "\r", "; ").Replace(line) + ".\n"
		}
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	return errors.Join(e.Encode(d), e.Close())
}

// newData returns the data of a cluster, "" for that without a name, without answers.
func newData(answers map[watch.Query]any, cluster string, mask *masker) *data {
	d := &data{mask: mask}
	var named bool
	if d.own, named = datacenter(answers, cluster); named {
		d.Datacenter = d.own
	}
	return d
}

// datacenter returns the name of the agent's own datacenter in a cluster, and whether an
// answer has it.
func datacenter(answers map[watch.Query]any, cluster string) (name string, named bool) {
	for q, answer := range answers {
		if q.Datacenter != "" || q.Cluster != cluster {
			continue
		}
		switch answer := answer.(type) {
		case *watch.CatalogNode:
			if answer.Node != nil {
				return answer.Node.Datacenter, true
			}
		case []*watch.Node:
			if len(answer) > 0 {
				return answer[0].Datacenter, true
			}
		}
	}
	for q, answer := range answers {
		list, _ := answer.([]string)
		if q.Kind == watch.DatacenterList && q.Cluster == cluster && len(list) > 0 && !slices.Contains(list, "dc1") {
			return list[0], true // perhaps it is another, which no answer says
		}
	}
	return "dc1", false
}

// add adds an answer.
func (d *data) add(q watch.Query, answer any) error {
	switch {
	case q.Private:
		return errors.New("a secret is part of it")
	case q.Peer+q.SamenessGroup != "" || !slices.Contains([]string{"", "default", "*"}, q.Namespace) || !slices.Contains([]string{"", "default"}, q.Partition):
		return errors.New("a data file has no peers, sameness groups, namespaces and partitions")
	}
	if q.Kind.Store() == watch.Nomad && !slices.Contains([]string{"", "global"}, q.Datacenter) {
		return errors.New("a data file has no regions")
	}
	s := &d.site
	if q.Kind.Store() == watch.Consul {
		s = d.at(q.Datacenter)
	}
	switch answer := answer.(type) {
	case nil:
	case *watch.KeyPair:
		return s.key(answer)
	case []*watch.KeyPair:
		var errs []error
		for _, p := range answer {
			errs = append(errs, s.key(p))
		}
		return errors.Join(errs...)
	case []*watch.HealthService:
		for _, h := range answer {
			s.health(q, h)
		}
	case *watch.CatalogNode:
		if answer.Node == nil {
			return nil
		}
		s.node(answer.Node)
		if q.Name == "" && q.Datacenter == "" {
			d.Node = answer.Node.Node
		}
		for _, c := range answer.Services {
			s.catalog(answer.Node.Node, c)
		}
	case []*watch.Node:
		for _, n := range answer {
			s.node(n)
		}
	case []*watch.CatalogSnippet:
		for _, c := range answer {
			s.snippet(c)
		}
	case []string:
		if q.Kind == watch.VaultList {
			d.Secrets = with(d.Secrets, q.Name, any(answer))
			return nil
		}
		for _, name := range answer { // datacenters
			if name != cmp.Or(d.Datacenter, "dc1") {
				d.at(name)
			}
		}
	case *watch.Secret:
		if answer != nil {
			d.Secrets = with(d.Secrets, q.Name, d.mask.value("", answer.Data))
		}
	case watch.Certificate:
		d.Secrets = with(d.Secrets, q.Name, d.mask.value("", map[string]any{
			"certificate": answer.Cert, "private_key": answer.Key, "issuing_ca": answer.CA, "ca_chain": answer.CAChain,
		}))
	case []*watch.NomadServiceInstance:
		d.nomadService(q.Name, answer)
	case []*watch.NomadServicesSnippet:
		for _, snippet := range answer { // an instance for those of which nothing else is known
			if d.Nomad.Services[snippet.Name] == nil {
				d.nomadService(snippet.Name, []*watch.NomadServiceInstance{{ID: snippet.Name, Tags: snippet.Tags}})
			}
		}
	case watch.NomadVarItems:
		items := make(map[string]string, len(answer))
		for name, item := range answer {
			items[name] = d.mask.text(name, item.Value)
		}
		d.Nomad.Variables = with(d.Nomad.Variables, q.Name, items)
	case []*watch.NomadVarMeta:
		for _, meta := range answer {
			if d.Nomad.Variables[meta.Path] == nil {
				d.Nomad.Variables = with(d.Nomad.Variables, meta.Path, map[string]string{})
			}
		}
	default:
		return errors.New("a data file does not hold such answers")
	}
	return nil
}

// nomadService adds the instances of a service that are not there.
func (d *data) nomadService(name string, list []*watch.NomadServiceInstance) {
	for _, i := range list {
		if !slices.ContainsFunc(d.Nomad.Services[name], func(other *nomadInstance) bool { return other.ID == i.ID }) {
			d.Nomad.Services = with(d.Nomad.Services, name, append(d.Nomad.Services[name], &nomadInstance{
				ID: i.ID, Address: i.Address, Port: i.Port, Tags: i.Tags, Node: i.Node, Datacenter: i.Datacenter, Job: i.JobID, Alloc: i.AllocID,
			}))
		}
	}
}

// at returns the site of a datacenter; "" is the agent's own.
func (d *data) at(datacenter string) *site {
	if datacenter == "" {
		return &d.site
	}
	if d.Datacenters[datacenter] == nil {
		d.Datacenters = with(d.Datacenters, datacenter, new(site))
	}
	return d.Datacenters[datacenter]
}

func (s *site) key(p *watch.KeyPair) error {
	if p == nil {
		return nil
	}
	if !utf8.ValidString(p.Value) || !utf8.ValidString(p.Path) {
		return fmt.Errorf("the value of key %q is no text", p.Path)
	}
	s.Keys = with(s.Keys, p.Path, p.Value)
	return nil
}

// node returns the node of this name, and adds what is known of it.
func (s *site) node(n *watch.Node) *node {
	if s.Nodes[n.Node] == nil {
		added := &node{Address: n.Address, ID: n.ID, Meta: n.Meta}
		for tag, address := range n.TaggedAddresses {
			// A data file has the others by itself.
			if base, _, _ := strings.Cut(tag, "_"); address != n.Address || base != "lan" && base != "wan" {
				added.Tagged = with(added.Tagged, tag, address)
			}
		}
		s.Nodes = with(s.Nodes, n.Node, added)
	}
	return s.Nodes[n.Node]
}

// instance returns an instance of a service, which it adds if it is new.
func (s *site) instance(service, node, id string) (i *instance, added bool) {
	list := s.Services[service]
	at := slices.IndexFunc(list, func(i *instance) bool { return i.Node == node && i.ID == id })
	if at >= 0 {
		return list[at], false
	}
	i = &instance{ID: id, Node: node}
	s.Services = with(s.Services, service, append(list, i))
	return i, true
}

func (s *site) health(q watch.Query, h *watch.HealthService) {
	n := s.node(&watch.Node{Node: h.Node, ID: h.NodeID, Address: h.NodeAddress, Meta: h.NodeMeta, TaggedAddresses: h.NodeTaggedAddresses})
	i, added := s.instance(h.Name, h.Node, h.ID)
	if q.Kind == watch.ConnectHealth {
		if strings.EqualFold(h.Name, q.Name) {
			i.Connect = true
		} else {
			i.ProxyFor = q.Name
		}
	}
	if !added {
		return
	}
	i.Port, i.Tags, i.Meta = h.Port, h.Tags, h.ServiceMeta
	if h.Address != h.NodeAddress || len(h.ServiceTaggedAddresses) > 0 {
		i.Address = h.Address
	}
	if w := h.Weights; w != (api.AgentWeights{Passing: 1, Warning: 1}) {
		i.Weights = map[string]int{"passing": w.Passing, "warning": w.Warning}
	}
	for tag, a := range h.ServiceTaggedAddresses {
		if base, _, _ := strings.Cut(tag, "_"); a.Address != h.Address || a.Port != h.Port || base != "lan" && base != "wan" {
			i.Tagged = with(i.Tagged, tag, net.JoinHostPort(a.Address, strconv.Itoa(a.Port)))
		}
	}
	for _, c := range h.Checks {
		switch {
		case c.CheckID == api.NodeMaint:
			n.Status = api.HealthMaint
		case c.CheckID == "serfHealth" && c.Status == api.HealthPassing:
		case c.CheckID == "serfHealth":
			n.Status = cmp.Or(n.Status, c.Status)
		case c.CheckID == "service:"+h.ID && c.Name == "Service '"+h.Name+"' check" && c.Output+c.Notes+c.Type == "":
			i.Status = c.Status // short for this check
		default:
			i.Checks = with(i.Checks, c.CheckID, check{Status: c.Status, Name: c.Name, Output: c.Output, Notes: c.Notes, Type: c.Type})
		}
	}
}

// catalog adds a service of a node. If it is in no answer of health, it does not pass
// there, or nobody asked.
func (s *site) catalog(node string, c *watch.CatalogNodeService) {
	i, added := s.instance(c.Service, node, c.ID)
	if i.Address = c.Address; added {
		i.Port, i.Tags, i.Meta, i.Status = c.Port, c.Tags, c.Meta, api.HealthCritical
	}
}

// snippet adds an instance that does not pass to a service, unless others have all of
// its tags.
func (s *site) snippet(c *watch.CatalogSnippet) {
	missing := slices.Clone(c.Tags)
	for _, i := range s.Services[c.Name] {
		missing = slices.DeleteFunc(missing, func(tag string) bool { return slices.Contains(i.Tags, tag) })
	}
	if len(missing) > 0 || len(s.Services[c.Name]) == 0 {
		i, _ := s.instance(c.Name, "", "")
		i.Tags, i.Status = missing, api.HealthCritical
	}
}

// with returns m with another element. A nil m is empty.
func with[T any](m map[string]T, name string, v T) map[string]T {
	if m == nil {
		m = make(map[string]T)
	}
	m[name] = v
	return m
}
