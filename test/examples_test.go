package test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/test/binary"
	"restencil/test/servers"
)

// What differs from run to run in the output of examples: ports, how long
// something took and how often it was done, and names that Vault makes up.
var (
	numbers = regexp.MustCompile(`127\.0\.0\.1:\d+`)
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

func TestExampleNginx(t *testing.T) {
	servers.ConsulPath(t)
	servers.NginxPath(t)
	servers.CurlPath(t)
	want := `Who answers 12 requests to nginx when
nothing is registered      → 12 × no healthy instance
A is registered            → 12 × A
B is registered            → 6 × A, 6 × B
C is registered            → 4 × A, 4 × B, 4 × C
B fails its check          → 6 × A, 6 × C
B passes its check again   → 4 × A, 4 × B, 4 × C
A is taken away            → 6 × B, 6 × C

and nginx's file is now:
# Written by restencil from web.conf.ctmpl: change it there.
upstream web {
	server ADDR; # web-B
	server ADDR; # web-C
}
server {
	listen ADDR;
	location / {
		proxy_pass http://web;
	}
}
`
	got := numbers.ReplaceAllString(runExample(t, "nginx"), "ADDR")
	if diff := cmp.Diff(want, got); diff != "" {
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

// TestExampleTemplates runs the unit tests that lie beside the templates of the
// examples. Every example with templates has some.
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
		if tests, _ := filepath.Glob(filepath.Join(filepath.Dir(template), "*_test.yaml")); len(tests) == 0 {
			t.Errorf("%s has no test beside it", template)
		}
	}
	out, err := exec.Command(binary.Path(t), "test", "../examples/...").CombinedOutput()
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
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join("..", "examples", name, "run.sh"))
	cmd.Env = append(os.Environ(), append(env, "RESTENCIL="+binary.Path(t), "TMPDIR="+t.TempDir())...)
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
