package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/daemon"
	"restencil/test/servers"
)

// tells waits until a daemon has told what matches a regular expression, at the
// level that everybody sees.
func tells(t *testing.T, d *daemon.Daemon, want string) {
	t.Helper()
	hasLine(t, d, `\[WARN\] `+want)
}

// hasLine waits until a line of a daemon's log goes on like this after the time.
func hasLine(t *testing.T, d *daemon.Daemon, want string) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^\S+ ` + want)
	await.Eventually(t, func() error {
		if !line.MatchString(d.Log.String()) {
			return fmt.Errorf("%s was not told:\n%s", want, d.Log.String())
		}
		return nil
	})
}

// What a token may not read any more keeps the file as it is, and the right that
// is missing is named; what it never could read is told once.
func TestMissingRightsAreNamed(t *testing.T) {
	const root = "11111111-2222-3333-4444-555555555555"
	agent := servers.Consul(t, servers.ACL(root))
	c := agent.Client()
	_, err := c.Catalog().Register(&api.CatalogRegistration{
		Node: "n1", Address: "10.0.0.1", Service: &api.AgentService{ID: "web", Service: "web", Port: 80},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const all = `service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`
	const part = `service_prefix "" { policy = "read" }`
	policy, _, err := c.ACL().PolicyCreate(&api.ACLPolicy{Name: "p", Rules: all}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := c.ACL().TokenCreate(&api.ACLToken{Policies: []*api.ACLLink{{ID: policy.ID}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	allow := func(rules string) {
		t.Helper()
		policy.Rules = rules
		if _, _, err := c.ACL().PolicyUpdate(policy, nil); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	config, out := filepath.Join(dir, "config.hcl"), filepath.Join(dir, "out")
	writeFile(t, config, fmt.Sprintf(`block_query_wait = "2s"
consul {
  address = %q
  token   = %q
}
template {
  contents    = "{{ range service \"web\" }}{{ .Address }}:{{ .Port }}{{ end }}{{ range nodes }}{{ end }}"
  destination = %q
}`, agent.Addr(), token.SecretID, out))
	d := start(t, "-config", config)
	await.Eventually(t, await.Holds(out, "10.0.0.1:80"))
	allow(part)
	const left = `\(X-Consul-Results-Filtered-By-ACLs\); `
	for query, rights := range map[string]string{
		`service web`: `service "web" { policy = "read" } and node_prefix "" { policy = "read" }`,
		`nodes`:       `node_prefix "" { policy = "read" }`,
	} {
		tells(t, d, `\(runner\) consul `+query+`: refused: Consul leaves out what the token may not read any more `+left+`the token needs `+rights)
	}
	if err := await.Holds(out, "10.0.0.1:80")(); err != nil {
		t.Error(err)
	}

	other := start(t, "-config", config)
	for query, rights := range map[string]string{
		`service web`: `service "web" { policy = "read" } and node_prefix "" { policy = "read" }`,
		`nodes`:       `node_prefix "" { policy = "read" }`,
	} {
		tells(t, other, `\(consul\) consul `+query+`: Consul leaves out what the token may not read \(the answer may be incomplete; the token needs `+rights+`\)$`)
	}
	allow(all)
	await.Eventually(t, await.Holds(out, "10.0.0.1:80"))
}

// A name that consul-template cannot read does not freeze a file that goes through
// all services.
func TestStrangeNamesFreezeNothing(t *testing.T) {
	agent := servers.Consul(t)
	register := func(name string, port int) {
		t.Helper()
		_, err := agent.Client().Catalog().Register(&api.CatalogRegistration{
			Node: "n1", Address: "10.0.0.1", Service: &api.AgentService{ID: name, Service: name, Port: port},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	register("web", 1)
	dir := t.TempDir()
	tpl, out, exact := filepath.Join(dir, "t"), filepath.Join(dir, "out"), filepath.Join(dir, "exact")
	const all = `{{ range services }}{{ if ne .Name "consul" }}{{ range service %s }}{{ .Name }}={{ .Port }};{{ end }}{{ end }}{{ end }}`
	writeFile(t, tpl, fmt.Sprintf(all, ".Name"))
	writeFile(t, tpl+"2", fmt.Sprintf(all, "(exact .Name)"))
	d := start(t, "-consul-addr", agent.Addr(), "-template", tpl+":"+out, "-template", tpl+"2:"+exact)
	await.Eventually(t, await.Holds(out, "web=1;"))
	for i, name := range []string{"a b", "a:1", "a/b", "a|any", "1.a"} { // the last two have a meaning in templates
		register(name, 2+i)
	}
	await.Eventually(t, await.Holds(exact, "1.a=6;a b=2;a/b=4;a:1=3;a|any=5;web=1;"))
	register("web", 7)
	await.Eventually(t, await.Holds(exact, "1.a=6;a b=2;a/b=4;a:1=3;a|any=5;web=7;"))
	await.Eventually(t, await.Holds(out, "a b=2;a/b=4;a:1=3;web=7;"))
	register("a@b", 8)
	await.Eventually(t, await.Holds(exact, "1.a=6;a b=2;a/b=4;a:1=3;a@b=8;a|any=5;web=7;"))
	tells(t, d, regexp.QuoteMeta(`(runner) `+out+`: needs consul service a@b: Unexpected response code: 500 (No path to datacenter) (`+tpl+`:1:56: {{ service .Name }}; the file stays as it is`))
}

// A server that does not behave as Consul does is told as what it is.
func TestHostileServers(t *testing.T) {
	index := func(w http.ResponseWriter) { w.Header().Set("X-Consul-Index", "5") }
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a reply without end": {func(w http.ResponseWriter, _ *http.Request) {
			index(w)
			for piece := strings.Repeat(" ", 1<<16); ; {
				if _, err := w.Write([]byte(piece)); err != nil {
					return
				}
			}
		}, `the reply is too large: more than 1000000 bytes \(consul { max_reply_size = … }\)`},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<html>\n<body>Log in</body></html>"))
		}, `what answered is not Consul: it sent a web page \(check the address\)`},
		"nothing that is Consul's": {func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) },
			`what answered is not Consul: there is no index`},
		"plain HTTP to a port for TLS": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Client sent an HTTP request to an HTTPS server.", http.StatusBadRequest)
		}, `use https:// in the address`},
		"an unknown token": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "ACL not found", http.StatusForbidden) },
			`Consul does not know the token: set consul { token`},
		"too many requests": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte("Your IP is issuing too many concurrent connections"))
		}, `429 \(Your IP is issuing too many concurrent connections\)`},
		"a reply that breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			index(w)
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`[{"Key":"a",`))
		}, `unexpected EOF`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(test.answer)
			t.Cleanup(s.Close)
			dir := t.TempDir()
			config := filepath.Join(dir, "config.hcl")
			writeFile(t, config, fmt.Sprintf("consul {\n address = %q\n max_reply_size = 1000000\n}\ntemplate {\n contents = \"{{ key \\\"a\\\" }}\"\n destination = %q\n}\n",
				s.URL, filepath.Join(dir, "out")))
			tells(t, start(t, "-config", config), `\(runner\) consul.*: .*`+test.want)
		})
	}
}

// Trace has a line for each request; debug how a query is kept, and what net/http
// has to say.
func TestDebugAndTrace(t *testing.T) {
	agent := servers.Consul(t)
	put(t, agent.Client(), "app/port", "8080")
	out := filepath.Join(t.TempDir(), "out")
	template := filepath.Join(t.TempDir(), "t")
	writeFile(t, template, `{{ key "app/port" }}`)
	d := start(t, "-consul-addr", agent.Addr(), "-template", template+":"+out, "-log-level", "trace")
	hasLine(t, d, `\[DEBUG\] \(consul\) consul key app/port: kept by: a blocking query`)
	hasLine(t, d, `\[TRACE\] \(http\) GET http://[0-9.:]+/v1/kv/app/port\?\S*: 200 OK, index \d+, after [0-9.]+\S?s$`)

	// A server that goes on after the end of its answer.
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 404 Not Found\r\nX-Consul-Index: 5\r\nContent-Length: 0\r\n\r\nand more")
		_ = rw.Flush()
	}))
	t.Cleanup(s.Close)
	d = start(t, "-consul-addr", s.URL, "-template", template+":"+out, "-log-level", "debug")
	hasLine(t, d, `\[DEBUG\] Unsolicited response received on idle HTTP channel`)
	if log := d.Log.String(); strings.Contains(log, "[TRACE]") || regexp.MustCompile(`(?m)^\d{4}/`).MatchString(log) {
		t.Errorf("the log has other lines:\n%s", log)
	}
}
