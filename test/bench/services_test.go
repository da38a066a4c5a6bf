package bench

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"
)

// oneService is a service of n instances, of which one changes its port.
func oneService(n int) scene {
	const name = "web"
	return scene{
		seed: func(s *site) { s.setInstances(name, n) },
		templates: func(s *site) []document {
			return []document{{text: `{{ range service "` + name + `" }}` + server + `{{ end }}`, file: s.file("out")}}
		},
		bare: func(s *site) []string {
			return []string{"service", s.url("/v1/health/service/" + name + "?passing=1"), s.file("out")}
		},
		rendered: func(s *site, most time.Duration) bool { return s.arrivesWithin(most, s.file("out"), lines(n)) },
		change:   func(s *site) outcome { return s.move(name, n) },
	}
}

// manyServices is what renders all services there are, n of them with two
// instances each.
func manyServices(n int) scene {
	const instances = 2
	return scene{
		raised: true,
		seed: func(s *site) {
			for i := range n {
				s.setInstances(serviceName(i), instances)
			}
		},
		templates: func(s *site) []document {
			text := `{{ range services }}{{ range service .Name }}` + server + `{{ end }}{{ end }}`
			return []document{{text: text, file: s.file("out")}}
		},
		rendered: func(s *site, most time.Duration) bool {
			return s.arrivesWithin(most, s.file("out"), lines(instances*n))
		},
		change: func(s *site) outcome { return s.move(serviceName(s.somewhere(n)), instances) },
	}
}

// server is a template's line of an instance.
const server = "server {{ .Address }}:{{ .Port }}\n"

func serviceName(i int) string { return fmt.Sprintf("app-%04d", i) }

// lines returns what arrives takes for a file with instances.
func lines(n int) func(content string) bool {
	return func(content string) bool { return strings.Count(content, "server 10.") == n }
}

// setInstances registers a service of n instances.
func (s *site) setInstances(name string, n int) {
	s.t.Helper()
	var ops api.TxnOps
	for i := range n {
		ops = append(ops, instance{name, i, 8080}.set()...)
	}
	fill(s.t, s.client, ops)
}

// move gives one of a service's n instances a port that is new, and waits for
// it.
func (s *site) move(name string, n int) outcome {
	s.t.Helper()
	s.value++
	i := instance{name, s.value % n, 10_000 + s.value}
	fill(s.t, s.client, api.TxnOps{i.setService()})
	start := time.Now()
	s.arrives(s.file("out"), func(content string) bool { return strings.Contains(content, i.line()) })
	return outcome{took: time.Since(start)}
}
