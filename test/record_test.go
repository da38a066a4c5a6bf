package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"

	"restencil/test/binary"
	"restencil/test/servers"
)

// everything asks for all that a data file can hold.
const everything = `{{ key "app/port" }} {{ key "app/yes" }} {{ key "app/text" }} {{ keyOrDefault "app/none" "none" }} {{ keyExists "app/none" }}
{{ range tree "app" }}{{ .Key }}={{ .Value | toJSON }};{{ end }}
{{ range ls "app/" }}{{ .Key }};{{ end }}
{{ range service "web" }}{{ .ID }} {{ .Name }} {{ .Node }} {{ .NodeAddress }} {{ .Address }}:{{ .Port }} {{ .Tags }} {{ .ServiceMeta | toJSON }} {{ .NodeMeta | toJSON }} {{ .Weights.Passing }} {{ .Status }};{{ end }}
{{ range service "web|any" }}{{ .ID }} {{ .Status }}{{ range .Checks }} {{ .CheckID }} {{ .Name }} {{ .Status }} {{ .Output | toJSON }},{{ end }};{{ end }}
{{ range service "v2.web" }}{{ .ID }};{{ end }}
{{ range service "down" }}{{ .ID }}{{ else }}nobody{{ end }}
{{ range connect "web" }}{{ .ID }} {{ .Name }};{{ end }}
{{ range services }}{{ .Name }} {{ .Tags }};{{ end }}
{{ range nodes }}{{ .Node }} {{ .Address }} {{ .Meta | toJSON }} {{ if ne .Node "ext" }}{{ .TaggedAddresses | toJSON }}{{ end }};{{ end }}
{{ with node }}{{ .Node.Node }} {{ range .Services }}{{ .ID }} {{ .Address }}:{{ .Port }} {{ .Tags }};{{ end }}{{ end }}
{{ with node "ext" }}{{ .Node.Address }} {{ range .Services }}{{ .Service }};{{ end }}{{ end }}
{{ datacenters }}
`

// What is recorded from a real Consul gives the same bytes as Consul itself, with
// -local and in a unit test.
func TestRecordRoundTrip(t *testing.T) {
	agent := servers.Consul(t)
	c := agent.Client()
	for key, value := range map[string]string{
		"app/port": "8080", "app/yes": "yes", "app/text": "two: lines\n  # and \"quotes\"\n", "app/empty": "", "app/version": "1.10", "app/folder/": "",
	} {
		put(t, c, key, value)
	}
	for _, s := range []*api.AgentServiceRegistration{
		{ID: "web-1", Name: "web", Port: 80, Address: "10.0.0.1", Tags: []string{"v1", "a"}, Meta: map[string]string{"zone": "a"}, Weights: &api.AgentWeights{Passing: 5, Warning: 2}},
		{ID: "web-2", Name: "web", Port: 81, Tags: []string{"v2"}, Checks: api.AgentServiceChecks{
			{CheckID: "alive", Name: "is alive", TTL: "1h", Status: "passing"}, {CheckID: "disk", TTL: "1h", Status: "warning", Notes: "a note"},
		}},
		{ID: "down", Name: "down", Port: 82, Tags: []string{"x"}, Check: &api.AgentServiceCheck{TTL: "1h", Status: "critical"}},
		{ID: "sidecar", Name: "web-proxy", Kind: api.ServiceKindConnectProxy, Port: 83, Proxy: &api.AgentServiceConnectProxyConfig{DestinationServiceName: "web"}},
	} {
		if err := c.Agent().ServiceRegister(s); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Catalog().Register(&api.CatalogRegistration{
		Node: "ext", Address: "192.0.2.7", NodeMeta: map[string]string{"external": "true"},
		Service: &api.AgentService{ID: "db", Service: "db", Port: 5432, Address: "db.example"},
	}, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "all.ctmpl"), everything)
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(binary.Path(t), args...)
		cmd.Dir = dir
		var errors strings.Builder
		cmd.Stderr = &errors
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("restencil %v: %v\n%s%s", args, err, out, errors.String())
		}
		return string(out)
	}
	render := func(args ...string) string {
		t.Helper()
		run(append(args, "-once", "-template", "all.ctmpl:out")...)
		out, err := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	live := render("-consul-addr", agent.Addr())
	data := run("record", "-consul-addr", agent.Addr(), "-template", "all.ctmpl:out")
	writeFile(t, filepath.Join(dir, "data.yaml"), data)
	if diff := cmp.Diff(live, render("-local", "data.yaml")); diff != "" {
		t.Errorf("with -local (-live +local):\n%s\n%s", diff, data)
	}
	writeFile(t, filepath.Join(dir, "live"), live)
	writeFile(t, filepath.Join(dir, "all_test.yaml"), "data: data.yaml\ntests:\n  - {name: as live, golden: live}\n")
	run("test")
	if again := run("record", "-local", "data.yaml", "-template", "all.ctmpl:out"); again != data {
		t.Errorf("recorded from what was recorded (-first +second):\n%s", cmp.Diff(data, again))
	}
}
