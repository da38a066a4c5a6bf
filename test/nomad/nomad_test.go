package nomad

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/daemon"
	"restencil/test/pipe"
	"restencil/test/servers"
)

func TestMain(m *testing.M) {
	flag.Parse()
	servers.Need("nomad")
	os.Exit(binary.Main(m))
}

// A site is a daemon that renders one template.
type site struct {
	*daemon.Daemon
	t    *testing.T
	file string // what it writes
}

// start runs restencil until the test ends. config is the block nomad.
func start(t *testing.T, config, template string, args ...string) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{t: t, file: filepath.Join(dir, "out")}
	config = fmt.Sprintf("nomad {\n%s\n}\nblock_query_wait = \"2s\"\ntemplate {\n  contents = %q\n  destination = %q\n}\n", config, template, s.file)
	if err := os.WriteFile(filepath.Join(dir, "c.hcl"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary.Path(t), append([]string{"-config", filepath.Join(dir, "c.hcl"), "-state-dir", "none"}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, binary.RaceOptions()}
	s.Daemon = daemon.Start(t, cmd)
	return s
}

// holds waits until the file has this content.
func (s *site) holds(want string) {
	s.t.Helper()
	await.Eventually(s.t, await.Holds(s.file, want))
}

// says waits until a line of the log has all these words.
func (s *site) says(words ...string) {
	s.t.Helper()
	await.Eventually(s.t, func() error {
	lines:
		for line := range strings.Lines(s.Log.String()) {
			for _, word := range words {
				if !strings.Contains(line, word) {
					continue lines
				}
			}
			return nil
		}
		return fmt.Errorf("no line of the log has all of %q:\n%s", words, s.Log.String())
	})
}

// saysTimes waits until the log has the text so many times.
func (s *site) saysTimes(n int, text string) {
	s.t.Helper()
	await.Eventually(s.t, func() error {
		if got := strings.Count(s.Log.String(), text); got < n {
			return fmt.Errorf("the log has %q %d times, want %d:\n%s", text, got, n, s.Log.String())
		}
		return nil
	})
}

// still fails the test unless the file has this content, and the daemon lives.
func (s *site) still(want string) {
	s.t.Helper()
	s.MustBeAlive()
	if err := await.Holds(s.file, want)(); err != nil {
		s.t.Error(err)
	}
}

// variable returns a template of a variable's value.
func variable(path string) string {
	return fmt.Sprintf(`{{ with nomadVar %q }}{{ .v }}{{ end }}`, path)
}

func block(n *servers.NomadServer) string {
	return fmt.Sprintf("address = %q\ntoken = %q\nretry { max_backoff = \"1s\" }", n.URL(), n.Token())
}

func put(n *servers.NomadServer, path, value string) { n.Put(path, map[string]string{"v": value}) }

// TestRestart: Nomad is killed, and comes back.
func TestRestart(t *testing.T) {
	t.Parallel()
	n := servers.Nomad(t, servers.NomadPersistent())
	put(n, "app", "one")
	s := start(t, block(n), variable("app"))
	s.holds("one")
	for i, value := range []string{"two", "three"} {
		before, _ := os.ReadFile(s.file)
		n.Kill()
		s.saysTimes(i+1, "nomad: no answers")
		s.still(string(before))
		n.Start()
		put(n, "app", value)
		s.holds(value)
	}
}

// TestFrozen: connections stay open, and nothing comes through.
func TestFrozen(t *testing.T) {
	t.Parallel()
	n := servers.Nomad(t, servers.NomadPersistent())
	put(n, "app", "one")
	s := start(t, block(n), variable("app"))
	s.holds("one")
	n.Pause()
	time.Sleep(3 * time.Second) // the fault, longer than a request may wait
	s.still("one")
	n.Resume()
	put(n, "app", "two")
	s.holds("two")
}

// TestOneServer has tests that leave their server as it is.
func TestOneServer(t *testing.T) {
	t.Parallel()
	n := servers.Nomad(t, servers.NomadPersistent())
	for name, test := range map[string]func(*testing.T, *servers.NomadServer){
		"refused": testRefused, "errors": testErrors, "task socket": testTaskSocket, "half-open": testHalfOpen,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, n)
		})
	}
}

// testRefused: the policy of the token changes, and then the token is deleted.
func testRefused(t *testing.T, n *servers.NomadServer) {
	const rules = `namespace "default" { variables { path "app" { capabilities = ["read"] } } }`
	put(n, "app", "one")
	accessor, token := n.Policy("app", rules)
	s := start(t, fmt.Sprintf("address = %q\ntoken = %q\nretry { max_backoff = \"1s\" }", n.URL(), token), variable("app"))
	s.holds("one")
	n.Policy("app", `namespace "default" { variables { path "other" { capabilities = ["read"] } } }`)
	s.says("nomad variable app: refused", `do not grant namespace "default" { variables { path "app" { capabilities = ["read"] } } }`)
	s.still("one")
	put(n, "app", "two")
	n.Policy("app", rules)
	s.holds("two")
	n.Request(http.MethodDelete, "/v1/acl/token/"+accessor, nil)
	s.saysTimes(2, "nomad variable app: refused")
	s.still("two")
	if strings.Contains(s.Log.String(), token) {
		t.Error("the log has the token")
	}
}

// proxy returns the address of a proxy before n. It answers 502 while broken is set.
func proxy(t *testing.T, n *servers.NomadServer, broken *atomic.Bool, l net.Listener) string {
	t.Helper()
	to, err := url.Parse(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.Transport = &http.Transport{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	forward.ErrorLog = server.Config.ErrorLog
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) { w.WriteHeader(http.StatusBadGateway) }
	if l != nil {
		server.Listener.Close()
		server.Listener = l
	}
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		forward.Transport.(*http.Transport).CloseIdleConnections()
	})
	return server.URL
}

// testErrors: a proxy before Nomad answers 502 for a while. Secrets are in no log.
func testErrors(t *testing.T, n *servers.NomadServer) {
	const canary = "c4n4ry-of-the-variable"
	put(n, "errors", canary)
	var broken atomic.Bool
	address := proxy(t, n, &broken, nil)
	s := start(t, fmt.Sprintf("address = %q\ntoken = %q", address, n.Token()), variable("errors"), "-log-level", "trace")
	s.holds(canary)
	broken.Store(true)
	s.says("nomad", "502")
	s.still(canary)
	broken.Store(false)
	put(n, "errors", canary+"-2")
	s.holds(canary + "-2")
	s.says("[TRACE]", "/v1/var/errors?", "200 OK, index")
	for _, secret := range []string{"c4n4ry", n.Token()} {
		if strings.Contains(s.Log.String(), secret) {
			t.Errorf("the log has %s:\n%s", secret, s.Log.String())
		}
	}
}

// testTaskSocket: Nomad is reached through a socket, as tasks reach their agent. It is a
// cluster with a label, beside one that is away.
func testTaskSocket(t *testing.T, n *servers.NomadServer) {
	put(n, "socket", "one")
	dir, err := os.MkdirTemp("", "api") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "api.sock"))
	if err != nil {
		t.Fatal(err)
	}
	proxy(t, n, new(atomic.Bool), l)
	config := fmt.Sprintf("address = %q\n}\nnomad \"task\" {\naddress = %q\ntoken = %q", "http://"+nobody(t), "unix://"+filepath.Join(dir, "api.sock"), n.Token())
	s := start(t, config, variable("socket?cluster=task"))
	s.holds("one")
	put(n, "socket", "two")
	s.holds("two")
}

// testHalfOpen: connections stay open while nothing comes through, and go on, or are closed
// at last.
func testHalfOpen(t *testing.T, n *servers.NomadServer) {
	for name, end := range map[string]func(*pipe.Pipe){
		"goes on": (*pipe.Pipe).Flow,
		"closed":  (*pipe.Pipe).Cut,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := "half-open/" + strings.ReplaceAll(name, " ", "-")
			put(n, path, "0")
			p := pipe.New(t, n.Addr())
			s := start(t, fmt.Sprintf("address = %q\ntoken = %q", "http://"+p.Addr(), n.Token()), variable(path))
			s.holds("0")
			for i := range 3 {
				p.Stall()
				put(n, path, fmt.Sprint(i+1))
				time.Sleep(time.Second) // the fault
				s.still(fmt.Sprint(i))
				end(p)
				s.holds(fmt.Sprint(i + 1))
			}
		})
	}
}

// nobody returns an address where nobody answers.
func nobody(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", servers.Ports(t, 1)[0]) }

// TestTLS: the agent wants a client's certificate.
func TestTLS(t *testing.T) {
	t.Parallel()
	n := servers.Nomad(t, servers.NomadPersistent(), servers.NomadTLS())
	put(n, "app", "one")
	cert, key := n.ClientCert("restencil")
	s := start(t, fmt.Sprintf("%s\nssl {\n  ca_cert = %q\n  cert = %q\n  key = %q\n}", block(n), n.CAFile(), cert, key), variable("app"))
	s.holds("one")
	put(n, "app", "two")
	s.holds("two")
}

// TestServices: services come and go, and more queries than the agent accepts
// connections for are answered.
func TestServices(t *testing.T) {
	t.Parallel()
	const many = 120
	n := servers.Nomad(t)
	s := start(t, block(n), `{{ range nomadServices }}{{ .Name }}{{ range nomadService .Name }} {{ .Address }}:{{ .Port }}{{ end }};{{ end }}`)
	s.holds("")
	n.Run("site", servers.NomadService{Name: "web", Addresses: []string{"10.0.0.1:80", "10.0.0.2:80"}})
	n.Run("store", servers.NomadService{Name: "db", Addresses: []string{"10.0.1.1:5432"}})
	await.Eventually(t, func() error {
		got, _ := os.ReadFile(s.file)
		if text := string(got); text != "db 10.0.1.1:5432;web 10.0.0.1:80 10.0.0.2:80;" && text != "db 10.0.1.1:5432;web 10.0.0.2:80 10.0.0.1:80;" {
			return fmt.Errorf("the file has %q", text)
		}
		return nil
	})
	n.End("site")
	s.holds("db 10.0.1.1:5432;")
	s.Signal(syscall.SIGINT)
	s.Wait()

	var want strings.Builder
	for i := range many {
		n.Put(fmt.Sprintf("many/%d", i), map[string]string{"v": "old"})
		fmt.Fprintf(&want, "%d=new ", i)
	}
	s = start(t, block(n), fmt.Sprintf(`{{ range $i := loop %d }}{{ with nomadVar (printf "many/%%d" $i) }}{{ $i }}={{ .v }} {{ end }}{{ end }}`, many))
	s.holds(strings.ReplaceAll(want.String(), "new", "old"))
	for i := range many {
		n.Put(fmt.Sprintf("many/%d", i), map[string]string{"v": "new"})
	}
	s.holds(want.String())
	if strings.Contains(s.Log.String(), "429") {
		t.Errorf("the agent refuses connections:\n%s", s.Log.String())
	}
}
