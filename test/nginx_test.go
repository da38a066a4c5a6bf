package test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/servers"
)

// upstream is a template as people have it for nginx.
const upstream = `upstream web {
{{- range service "web" }}
  server {{ .Address }}:{{ .Port }};
{{- else }}
  server 127.0.0.1:1 down;
{{- end }}
}
server {
  listen %s;
  location / { proxy_pass http://web; proxy_next_upstream off; }
}
`

// prompt is how soon a change must have moved the traffic.
const prompt = time.Second

func TestTrafficFollowsHealth(t *testing.T) {
	agent, web := servers.Consul(t), servers.Nginx(t)
	a, b := backend(t, "a"), backend(t, "b")
	a.register(t, agent.Client())

	dir := t.TempDir()
	tpl := filepath.Join(dir, "web.conf.ctmpl")
	writeFile(t, tpl, fmt.Sprintf(upstream, web.Addr()))
	d := start(t, "-consul-addr", agent.Addr(),
		"-template", tpl+":"+filepath.Join(web.ConfDir(), "web.conf")+":"+web.ReloadCommand())
	await.Eventually(t, func() error { return serves(web.Addr(), "a", true) })

	b.register(t, agent.Client())
	within(t, prompt, "traffic for a new backend", func() error { return serves(web.Addr(), "b", true) })
	b.health(t, agent.Client(), api.HealthCritical)
	within(t, prompt, "no traffic for a critical backend", func() error { return serves(web.Addr(), "b", false) })
	b.health(t, agent.Client(), api.HealthPassing)
	await.Eventually(t, func() error { return serves(web.Addr(), "b", true) })
	d.MustBeAlive()
}

// within is await.Eventually, and tells how long it took where that was too long. On
// a machine that is busy with other tests it is no error: the benchmarks in
// test/bench measure speed.
func within(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	start := time.Now()
	await.Eventually(t, check)
	if took := time.Since(start); took > limit {
		t.Logf("%s took %v, longer than %v", what, took, limit)
	}
}

// serves asks several times, and returns an error unless the backend of that
// name answered some time, or, where want is false, never.
func serves(addr, name string, want bool) error {
	got := false
	for range 8 {
		resp, err := http.Get("http://" + addr + "/")
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		got = got || string(body) == name
	}
	if got != want {
		return fmt.Errorf("backend %s served: %v, want %v", name, got, want)
	}
	return nil
}

// An instance is a backend that answers with its name.
type instance struct {
	name string
	host string
	port int
}

func backend(t *testing.T, name string) instance {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) }))
	t.Cleanup(s.Close)
	host, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return instance{name, host, n}
}

// register tells Consul of the instance, with a check that passes.
func (i instance) register(t *testing.T, c *api.Client) {
	t.Helper()
	err := c.Agent().ServiceRegister(&api.AgentServiceRegistration{
		ID: i.name, Name: "web", Address: i.host, Port: i.port,
		Check: &api.AgentServiceCheck{CheckID: "ttl-" + i.name, TTL: "10m", Status: api.HealthPassing},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (i instance) health(t *testing.T, c *api.Client, status string) {
	t.Helper()
	if err := c.Agent().UpdateTTL("ttl-"+i.name, "set by the test", status); err != nil {
		t.Fatal(err)
	}
}
