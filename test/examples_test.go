package test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/servers"
)

// What differs from run to run in the output of examples: how long something took
// and how often it was done, and names that Vault makes up.
var (
	counts  = regexp.MustCompile(`\d+ (s|connections|queries|requests)\b`)
	users   = regexp.MustCompile(`v-approle-app-[\w-]+`)
	seconds = regexp.MustCompile(`\d+\.\d s\b`)
)

func TestExampleHello(t *testing.T) {
	want := `$ restencil -local data.yaml -template site.conf.ctmpl:site.conf &
+# Hello
+upstream web {
+  server 10.0.0.1:8080;
+  server 10.0.0.2:8080;
+}

$ sed -i 's/Hello/Good morning/' data.yaml
-# Hello
+# Good morning
 upstream web {
   server 10.0.0.1:8080;
   server 10.0.0.2:8080;
 }

$ sed -i 's/passing/critical/' data.yaml
 # Good morning
 upstream web {
   server 10.0.0.1:8080;
-  server 10.0.0.2:8080;
 }
`
	if diff := cmp.Diff(want, runExample(t, "hello")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	checkPicture(t, want)
}

// TestExampleNginx is also the test that nginx follows under load: the script fails
// where one request does.
func TestExampleNginx(t *testing.T) {
	servers.NginxPath(t)
	testBalancer(t, "nginx", `2 instances register           → 2 answer, after N s
hey begins: N requests a second, each on a new connection
18 more register               → 20 answer, after N s
B fails its health check       → 19 answer, after N s
B passes it again              → 20 answer, after N s
18 deregister                  → 2 answer, after N s
web/listen is no address       → check failed, the file stays, after N s
    invalid port in "127.0.0.1:many" of the "listen" directive in ./conf.d/web.conf:7
all is as before               → 2 answer, after N s
web/listen is Consul's own     → verify failed, rolled back, after N s
all is as before               → 2 answer, after N s
hey ends: N requests, 0 failed
`)
}

// TestExampleHAProxy is the same with HAProxy.
func TestExampleHAProxy(t *testing.T) {
	servers.HAProxyPath(t)
	testBalancer(t, "haproxy", `2 instances register           → 2 answer, after N s
hey begins: N requests a second, each on a new connection
18 more register               → 20 answer, after N s
B fails its health check       → 19 answer, after N s
B passes it again              → 20 answer, after N s
18 deregister                  → 2 answer, after N s
web/listen is no address       → check failed, the file stays, after N s
    config : parsing [conf.d/web.cfg:3] : 'bind' : invalid character 'm' in port number 'many' in '127.0.0.1:many'
all is as before               → 2 answer, after N s
hey ends: N requests, 0 failed
web/listen is Consul's own     → verify failed, rolled back, after N s
all is as before               → 2 answer, after N s
`)
}

func testBalancer(t *testing.T, name, want string) {
	t.Helper()
	servers.ConsulPath(t)
	servers.HeyPath(t)
	servers.CurlPath(t)
	got := counts.ReplaceAllString(seconds.ReplaceAllString(runExample(t, name), "N s"), "N $1")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestExampleRegistrator is also the test that what articles write works.
func TestExampleRegistrator(t *testing.T) {
	servers.ConsulPath(t)
	servers.NginxPath(t)
	servers.CurlPath(t)
	want := `$ restencil -consul ADDR -template nginx.ctmpl:conf.d/nginx.conf -dry -once
> conf.d/nginx.conf
upstream nginx-80 {
  least_conn;
  server 127.0.0.1:65535; # force a 502
}
...

$ restencil -consul ADDR -template "nginx.ctmpl:conf.d/nginx.conf:nginx -s reload" -retry 30s &
no container runs                  → / nobody, /canary/ nobody, /admin/ nobody
run web1                           → / web1, /canary/ nobody, /admin/ web1
run web2 -e SERVICE_80_TAGS=canary → / web1 web2, /canary/ web2, /admin/ web1 web2
stop web1                          → / web2, /canary/ web2, /admin/ web2
run web3 -e SERVICE_80_NAME=other  → / web2, /canary/ web2, /admin/ web2 web3
stop web2                          → / nobody, /canary/ nobody, /admin/ web3
`
	if diff := cmp.Diff(want, runExample(t, "registrator")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestExampleConfigDirectory is also the test that the services of one restencil do not
// get into each other's way.
func TestExampleConfigDirectory(t *testing.T) {
	servers.ConsulPath(t)
	servers.NginxPath(t)
	servers.HAProxyPath(t)
	servers.PromtoolPath(t)
	servers.CurlPath(t)
	want := `the start                            → reloaded: agent api backup features haproxy hosts nginx prometheus redis worker
nginx/title = Hello                  → reloaded: nginx
a third instance of api              → reloaded: nginx prometheus
a third instance of db               → reloaded: api haproxy prometheus
nginx/listen = 127.0.0.1:many        → nginx: check failed
redis/megabytes = plenty             → redis: check failed
api/workers = 4,                     → api: check failed
worker/queue = urgent                → reloaded: worker
restencil status                     → not well: api nginx redis
the three are put right              → reloaded: api redis
a file for an eleventh, SIGHUP       → reloaded: motd
`
	if diff := cmp.Diff(want, runExample(t, "config-directory")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestExampleManySites is also the test that a site is one file and one reload.
func TestExampleManySites(t *testing.T) {
	servers.ConsulPath(t)
	servers.NginxPath(t)
	servers.CurlPath(t)
	want := `500 sites                      → 500 written, 0 removed, reloads: 1
a new site                     → 1 written, 0 removed, reloads: 1
another text                   → 1 written, 0 removed, reloads: 1
a site is deleted              → 0 written, 1 removed, reloads: 1
111 are deleted, by mistake    → 111 files would be removed, and at most 2 may at a time
they are there again           → 0 written, 0 removed, reloads: 0
`
	if diff := cmp.Diff(want, runExample(t, "many-sites")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestExampleVaultPKI is also the test that a certificate rotates under load: the
// script fails where one connection does.
func TestExampleVaultPKI(t *testing.T) {
	servers.VaultPath(t)
	servers.NginxPath(t)
	servers.CurlPath(t)
	want := `While clients connect to nginx without a pause:
certificate 1 is served
certificate 2 is served, after N s
certificate 3 is served, after N s
certificate 4 is served, after N s
N connections, 0 failed
`
	// Not the 45 s that are its default, to be done sooner.
	got := runExample(t, "vault-pki", "LIFE=10s")
	got = counts.ReplaceAllString(got, "N $1")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestExamplePostgresCredentials is also the test that a password rotates under
// load: the script fails where one query does.
func TestExamplePostgresCredentials(t *testing.T) {
	servers.VaultPath(t)
	servers.PostgresPath(t)
	servers.CurlPath(t)
	want := `While four workers query the database without a pause:
working as USER
working as USER, after N queries
working as USER, after N queries
working as USER, after N queries
N queries, 0 failed
users of Vault's that are left in PostgreSQL: 0
`
	// Not the 20 s that are its default, to be done sooner.
	got := runExample(t, "postgres-credentials", "LIFE=10s")
	got = counts.ReplaceAllString(users.ReplaceAllString(got, "USER"), "N $1")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestExampleDjango is also the test that a database password changes under load:
// the script fails where one request does.
func TestExampleDjango(t *testing.T) {
	servers.ConsulPath(t)
	servers.PostgresPath(t)
	servers.CurlPath(t)
	servers.Django(t)
	want := `Three instances of a site are connected to PostgreSQL as site_1. While they answer
requests all the time, changes in Consul become effective:
another password      → all are connected, as site_2, after N s, instead of hours
another user          → it can log in after N s, instead of hours
its password, too     → it can log in after N s, instead of hours
a third one, at once  → it can log in, when the first has expired, after N s, instead of hours
after the grace       → the site's first password is not valid any more
N requests, 0 failed
`
	got := counts.ReplaceAllString(seconds.ReplaceAllString(runExample(t, "django"), "N s"), "N $1")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestExampleDjangoLoad: an answer that ends too soon is a failed request.
func TestExampleDjangoLoad(t *testing.T) {
	servers.Django(t)
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "short")
		select {
		case asked <- struct{}{}:
		default:
		}
	}))
	defer server.Close()
	cmd := exec.CommandContext(t.Context(), "../examples/django/load.py", server.URL)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked:
	case <-time.After(await.Timeout):
		t.Error("no request comes")
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 || strings.Contains(out.String(), " 0 failed") {
		t.Errorf("%v: %s", err, &out)
	}
}

// TestExampleRolling is also the test that a change which fails stops a fleet.
func TestExampleRolling(t *testing.T) {
	servers.ConsulPath(t)
	servers.CurlPath(t)
	want := `workers = 4 → all 20 hosts have it, 2 reloaded at a time
workers = 8 → all 20 hosts have it, 2 reloaded at a time
workers = x → 1 or 2 hosts tried it, and 20 have 8 again or still
no host goes on with restencil/web: HOST: reload failed: "./reload web.conf": exit status 1
the change of bundle "web" is accepted: it is tried now (restencil status shows how it ends)
workers = 16 → all 20 hosts have it, 2 reloaded at a time
`
	got := holder.ReplaceAllString(runExample(t, "rolling"), "restencil/web: HOST: ")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

var holder = regexp.MustCompile("restencil/web: [^ ]*: ")

func TestExampleEnv(t *testing.T) {
	servers.ConsulPath(t)
	servers.CurlPath(t)
	servers.Django(t)
	want := `no secret key    → the site is not started: restencil waits for key site/secret_key
the secret key   → the site answers: Under construction
another title    → the site answers: Welcome
restencil env    → SITE_TITLE=Welcome, and a secret of 13 characters
SIGTERM          → the site has ended; files and logs with the secret: 0
`
	if diff := cmp.Diff(want, runExample(t, "env")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestExampleNomad is also the test that a lost right is named, and leaves the rest of a
// template alone.
func TestExampleNomad(t *testing.T) {
	servers.NomadPath(t)
	servers.NginxPath(t)
	servers.CurlPath(t)
	want := `two instances                      → 0 Bearer first 1 Bearer first
the variable has another token     → 0 Bearer second 1 Bearer second
nomad job scale web 3              → 0 Bearer second 1 Bearer second 2 Bearer second
the policy loses a right
restencil says what is missing: namespace "default" { variables { path "nomad/jobs/web" { capabilities = ["read"] } } }
nomad job scale web 1              → 0 Bearer second
the right is back, token=third     → 0 Bearer third
`
	if diff := cmp.Diff(want, runExample(t, "nomad")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestExampleMultiDatacenter(t *testing.T) {
	servers.ConsulPath(t)
	servers.CurlPath(t)
	want := `east and west are joined:
+# Written by restencil from web.conf.ctmpl: change it there.
+upstream web {
+	# east, release 1.4
+	server 10.1.0.1:8080;
+	# west, release 1.4
+	server 10.2.0.1:8080 backup;
+}
west is cut off
restencil says: consul, datacenter west: no answers
east has another instance:
 # Written by restencil from web.conf.ctmpl: change it there.
 upstream web {
 	# east, release 1.4
 	server 10.1.0.1:8080;
+	server 10.1.0.2:8080;
 	# west, release 1.4
 	server 10.2.0.1:8080 backup;
 }
west comes back
restencil says: consul, datacenter west: answers again
west has another release:
 # Written by restencil from web.conf.ctmpl: change it there.
 upstream web {
 	# east, release 1.4
 	server 10.1.0.1:8080;
 	server 10.1.0.2:8080;
-	# west, release 1.4
+	# west, release 1.5
 	server 10.2.0.1:8080 backup;
 }
`
	if diff := cmp.Diff(want, runExample(t, "multi-datacenter")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestExampleInterrupted: a script shows its logs when something fails, and does not when
// somebody presses ctrl-C.
func TestExampleInterrupted(t *testing.T) {
	for _, c := range []struct {
		end  string
		code int
		logs bool
	}{{"exit 0", 0, false}, {"exit 3", 3, true}, {"kill -TERM $$", 1, true}, {"kill -INT $$", 130, false}} {
		temporary := t.TempDir()
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", `here=../examples/hello; . ../examples/loopback.sh; echo "the log" >"$dir/program.log"; `+c.end)
		cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
		out, _ := cmd.CombinedOutput()
		left, err := os.ReadDir(temporary)
		if code, logs := cmd.ProcessState.ExitCode(), strings.Contains(string(out), "the log"); code != c.code || logs != c.logs || len(left) > 0 || err != nil {
			t.Errorf("%s: exit code %d, want %d; left %v (error: %v); output:\n%s", c.end, code, c.code, left, err, out)
		}
	}
}

// TestExampleUnread: a script whose output nobody reads any more ends what it started.
func TestExampleUnread(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	defer writer.Close()
	temporary := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", `here=../examples/hello; . ../examples/loopback.sh; echo "the log" >"$dir/program.log"; echo "the story"; exit 0`)
	cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
	cmd.Stdout, cmd.Stderr = writer, writer
	err = cmd.Run()
	if left, _ := os.ReadDir(temporary); len(left) > 0 || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("%v; left %v", err, left)
	}
}

// TestExampleTemplates runs the unit tests that lie beside the templates of the
// examples, or beside a directory of configuration that names them. Every example with
// templates has some.
func TestExampleTemplates(t *testing.T) {
	var templates []string
	for _, pattern := range []string{"../examples/*/*.ctmpl", "../examples/*/*/*.ctmpl"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		templates = append(templates, found...)
	}
	for _, template := range templates {
		beside, _ := filepath.Glob(filepath.Join(filepath.Dir(template), "*_test.yaml"))
		above, _ := filepath.Glob(filepath.Join(filepath.Dir(template), "..", "restencil.d_test.yaml"))
		if len(beside)+len(above) == 0 {
			t.Errorf("%s has no test beside it", template)
		}
	}
	out, err := exec.Command(binary.Path(t), "test", "../examples").CombinedOutput()
	if err != nil || len(templates) == 0 {
		t.Errorf("restencil test: %v\n%s", err, out)
	}
}

// TestExampleMonitoring is also the test that a real Prometheus is content with the
// metrics, and that the alerts fire when they should.
func TestExampleMonitoring(t *testing.T) {
	servers.PrometheusPath(t)
	servers.CurlPath(t)
	want := `all is well               → ready
a change fails its check  → not ready, RestencilBundleFailed web
the change is taken back  → ready
`
	if diff := cmp.Diff(want, runExample(t, "monitoring")); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	promtool := exec.CommandContext(t.Context(), servers.PromtoolPath(t), "test", "rules", "alerts_test.yml")
	promtool.Dir = "../examples/monitoring"
	if out, err := promtool.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestMonitoringMetrics: the alerts and the dashboard use only metrics that there are.
func TestMonitoringMetrics(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page, named := read("docs/metrics.md"), regexp.MustCompile(`restencil_[a-z_]+`)
	for _, path := range []string{"examples/monitoring/alerts.yml", "examples/monitoring/alerts_test.yml", "examples/monitoring/dashboard.json"} {
		text := read(path)
		for _, name := range named.FindAllString(text, -1) {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("%s uses %s, which is no metric", path, name)
			}
		}
	}
	if !json.Valid([]byte(read("examples/monitoring/dashboard.json"))) {
		t.Error("the dashboard is no JSON")
	}
}

// runExample runs the script of an example, as a person would who tries it,
// with variables added to its environment, and returns what it prints.
func runExample(t *testing.T, name string, env ...string) string {
	t.Helper()
	const most = 2 * time.Minute
	program := binary.Path(t) // built the first time, which may take as long
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join("..", "examples", name, "run.sh"))
	// What a person has set for other servers, and for the way out, does not matter.
	cmd.Env = append(os.Environ(), "http_proxy=http://127.0.0.1:1", "CONSUL_HTTP_SSL=true", "VAULT_NAMESPACE=other", "NOMAD_NAMESPACE=other", "PGSSLMODE=require")
	cmd.Env = append(cmd.Env, append(env, "RESTENCIL="+program, "TMPDIR="+t.TempDir())...)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	// The script ends what it started when it is asked to end.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, errors.String())
	}
	return string(out)
}
