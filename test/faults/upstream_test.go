package faults

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
)

// upstream is a template as people have it for nginx.
const upstream = `upstream web {
{{- range service "web" }}
  server {{ .Address }}:{{ .Port }};
{{- end }}
}
`

// amongOthers returns the template with queries before it that show nothing.
func amongOthers(template string) string {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, "{{ with service \"other-%d\" }}{{ end }}{{ keyOrDefault \"no/%d\" \"\" }}", i, i)
	}
	return b.String() + template
}

// serversOf returns how many servers an upstream file has. The error says that it
// is not a whole one.
func serversOf(content string) (int, error) {
	if !strings.HasPrefix(content, "upstream web {\n") || !strings.HasSuffix(content, "}\n") {
		return 0, fmt.Errorf("not a whole file")
	}
	return strings.Count(content, "  server 10.0.0."), nil
}

// neverFewer returns a judge of upstream files: there are never fewer servers
// than at the beginning, nor than there once were.
func neverFewer(most int) func(string) error {
	return func(content string) error {
		n, err := serversOf(content)
		if err == nil && n < most {
			err = fmt.Errorf("%d servers, after there were %d", n, most)
		}
		most = max(n, most)
		return err
	}
}

// hasServers returns a check that the upstream file at path has n servers.
func hasServers(path string, n int) func() error {
	return func() error {
		content, err := readFile(path)
		if err != nil {
			return err
		}
		got, err := serversOf(content)
		if err == nil && got != n {
			err = fmt.Errorf("%d servers, want %d", got, n)
		}
		return err
	}
}

// register has instance i of a service stand in the catalog, on a node of its
// own that no agent looks after, so that it stays whatever becomes of agents.
// It tries until that works.
func register(t *testing.T, c *api.Client, service string, i int) {
	t.Helper()
	node := fmt.Sprintf("%s-%d", service, i)
	await.Eventually(t, func() error {
		_, err := c.Catalog().Register(&api.CatalogRegistration{
			Node: node, Address: fmt.Sprintf("10.0.0.%d", i),
			NodeMeta: map[string]string{"external-node": "true"},
			Service:  &api.AgentService{ID: node, Service: service, Port: 8000 + i},
			Checks: api.HealthChecks{{
				Node: node, CheckID: "alive-" + node, Name: "alive", Status: api.HealthPassing, ServiceID: node,
			}},
		}, nil)
		return err
	})
}
