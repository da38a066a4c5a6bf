package bench

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
)

// oneService is a service of n instances, of which one changes its port.
func oneService(n int) workload {
	const name = "web"
	return workload{
		fill: func(s *setup) { s.setInstances(name, n) },
		templates: func(s *setup) []tmpl {
			return []tmpl{{text: `{{ range service "` + name + `" }}` + server + `{{ end }}`, file: s.file("out")}}
		},
		bare: func(s *setup) []string {
			return []string{"service", s.url("/v1/health/service/" + name + "?passing=1"), s.file("out")}
		},
		rendered: func(s *setup, most time.Duration) bool { return s.arrivesWithin(most, s.file("out"), lines(n)) },
		change:   func(s *setup) time.Duration { return s.changePort(name, n) },
	}
}

// manyServices is what renders all services with names like serviceName's, n of
// them with two instances each, on 72 nodes.
func manyServices(n int) workload {
	const instances = 2
	return workload{
		raised:   true,
		services: n,
		nodes:    72,
		fill: func(s *setup) {
			for i := range n {
				s.setInstances(serviceName(i), instances)
			}
		},
		templates: func(s *setup) []tmpl {
			text := `{{ range services }}{{ if .Name | regexMatch "^app-" }}{{ range service .Name }}` + tagged + `{{ end }}{{ end }}{{ end }}`
			return []tmpl{{text: text, file: s.file("out")}}
		},
		rendered: func(s *setup, most time.Duration) bool {
			return s.arrivesWithin(most, s.file("out"), lines(instances*n))
		},
		change: func(s *setup) time.Duration { return s.changePort(serviceName(s.another(n)), instances) },
	}
}

// on returns the workload with the instances of its services on n nodes.
func (w workload) on(n int) workload {
	w.nodes = n
	return w
}

// server is a template's line of an instance.
const server = "server {{ .Address }}:{{ .Port }}\n"

// tagged is the same with its tags.
const tagged = "server {{ .Address }}:{{ .Port }}{{ range .Tags }} {{ . }}{{ end }}\n"

func serviceName(i int) string { return fmt.Sprintf("app-%04d", i) }

// lines returns what arrives takes for a file with instances.
func lines(n int) func(content string) bool {
	return func(content string) bool { return strings.Count(content, "server 10.") == n }
}

// setInstances registers a service of n instances.
func (s *setup) setInstances(name string, n int) {
	s.t.Helper()
	var ops api.TxnOps
	for i := range n {
		ops = append(ops, s.instance(name, i, 8080).register()...)
	}
	s.apply(ops)
}

// changePort gives one of a service's n instances a port that is new, and waits for
// it.
func (s *setup) changePort(name string, n int) time.Duration {
	s.t.Helper()
	s.keepInodes(s.file("out"))
	s.value++
	i := s.instance(name, s.value%n, 10_000+s.value)
	begun := time.Now()
	s.apply(api.TxnOps{i.setService()})
	s.arrives(s.file("out"), func(content string) bool { return strings.Contains(content, i.line()) })
	return time.Since(begun)
}

// An instance is one of a service.
type instance struct {
	service string
	number  int
	port    int
	node    string
	tag     string
}

// instance returns an instance on one of the workload's nodes; where it does not
// say how many there are, on a node of its own.
func (s *setup) instance(service string, number, port int) instance {
	node := fmt.Sprintf("%s-%d", service, number)
	if n := s.work.nodes; n > 0 {
		h := fnv.New32()
		h.Write([]byte(service))
		node = fmt.Sprintf("host-%d", (int(h.Sum32()%uint32(n))+31*number)%n)
	}
	return instance{service: service, number: number, port: port, node: node, tag: "v2"}
}

func (i instance) address() string { return fmt.Sprintf("10.0.%d.%d", i.number/250, i.number%250+1) }

// line is the beginning of what templates print of it.
func (i instance) line() string { return fmt.Sprintf("server %s:%d", i.address(), i.port) }

// register registers the instance, with its node and a passing check.
func (i instance) register() api.TxnOps {
	return api.TxnOps{
		{Node: &api.NodeTxnOp{Verb: api.NodeSet, Node: api.Node{Node: i.node, Address: "10.1.0.1"}}},
		i.setService(),
		i.setCheck(api.HealthPassing),
	}
}

func (i instance) setService() *api.TxnOp {
	return &api.TxnOp{Service: &api.ServiceTxnOp{Verb: api.ServiceSet, Node: i.node, Service: api.AgentService{
		ID: i.service, Service: i.service, Address: i.address(), Port: i.port,
		Tags: []string{"http", i.tag}, Meta: map[string]string{"zone": "a"},
	}}}
}

func (i instance) setCheck(status string) *api.TxnOp {
	return &api.TxnOp{Check: &api.CheckTxnOp{Verb: api.CheckSet, Check: api.HealthCheck{
		Node: i.node, CheckID: "alive-" + i.service, Name: "Is it alive?", Status: status,
		Output: "HTTP GET: 200 OK", ServiceID: i.service, ServiceName: i.service,
	}}}
}

func (i instance) deregister() *api.TxnOp {
	return &api.TxnOp{Service: &api.ServiceTxnOp{Verb: api.ServiceDelete, Node: i.node, Service: api.AgentService{ID: i.service, Service: i.service}}}
}
