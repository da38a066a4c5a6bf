package client

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/blocking/requester"
	"restencil/watch/consul/fetch"
	"restencil/watch/transport"
)

// echo is an agent that keeps the newest request and has an answer for all.
type echo struct{ got *http.Request }

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.got = r
	w.Write([]byte(`[{"Key":"k","Value":"b25l"}]`))
}

// get asks for a key and returns the request as the agent saw it.
func (e *echo) get(t *testing.T, o requester.Options) *http.Request {
	t.Helper()
	e.got = nil
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Transport.CloseIdleConnections()
	r, err := fetchKey(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Data == nil || e.got == nil {
		t.Fatalf("got %+v from somewhere else", r)
	}
	return e.got
}

// fetchKey puts the query for a key to the agent.
func fetchKey(t *testing.T, c *blocking.Client) (blocking.Reply, error) {
	return fetch.Requests{Client: c}.ForKind(watch.KVGet, false).Fetch(t.Context(), blocking.Request{Query: watch.Query{Kind: watch.KVGet, Name: "k"}})
}

// cleanEnv takes away what the environment of the test says of Consul.
func cleanEnv(t *testing.T) {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "CONSUL_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
}

func TestAddress(t *testing.T) {
	cleanEnv(t)
	e := &echo{}
	server := httptest.NewServer(e)
	defer server.Close()
	addr := server.Listener.Addr().String()
	for _, test := range []struct{ address, env, path string }{
		{addr, "", "/v1/kv/k"},
		{"http://" + addr, "", "/v1/kv/k"},
		{"http://" + addr + "/", "", "/v1/kv/k"},
		{"http://" + addr + "/some/prefix", "", "/some/prefix/v1/kv/k"},
		{"", addr, "/v1/kv/k"},
		{addr, "127.0.0.1:1", "/v1/kv/k"},
	} {
		t.Run(test.address+","+test.env, func(t *testing.T) {
			t.Setenv("CONSUL_HTTP_ADDR", test.env)
			o := requester.DefaultOptions()
			o.Address = test.address
			r := e.get(t, o)
			if r.URL.Path != test.path {
				t.Errorf("the agent was asked for %s, want %s", r.URL.Path, test.path)
			}
		})
	}
}

func TestUnixSocket(t *testing.T) {
	cleanEnv(t)
	path := filepath.Join(t.TempDir(), "consul.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{}
	server := httptest.NewUnstartedServer(e)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	defer server.Close()
	o := requester.DefaultOptions()
	o.Address = "unix://" + path
	if r := e.get(t, o); r.URL.Path != "/v1/kv/k" {
		t.Errorf("the agent was asked for %s", r.URL.Path)
	}
}

func TestCredentials(t *testing.T) {
	cleanEnv(t)
	e := &echo{}
	server := httptest.NewServer(e)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(" from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		env   map[string]string
		set   func(*requester.Options)
		token string
		user  string
		ns    string
	}{
		{"none", nil, func(*requester.Options) {}, "", "", ""},
		{"options", nil, func(o *requester.Options) {
			o.Token, o.Username, o.Password, o.Namespace = "t", "u", "p", "n"
		}, "t", "u:p", "n"},
		{"environment", map[string]string{
			"CONSUL_HTTP_TOKEN": "t", "CONSUL_HTTP_AUTH": "u:p", "CONSUL_NAMESPACE": "n",
		}, func(*requester.Options) {}, "t", "u:p", "n"},
		{"options win", map[string]string{
			"CONSUL_HTTP_TOKEN": "e", "CONSUL_HTTP_AUTH": "e:e", "CONSUL_NAMESPACE": "e",
		}, func(o *requester.Options) {
			o.Token, o.Username, o.Namespace = "t", "u", "n"
		}, "t", "u:", "n"},
		{"file wins", nil, func(o *requester.Options) { o.Token, o.TokenFile = "t", file }, "from-file", "", ""},
		{"file of the environment", map[string]string{"CONSUL_HTTP_TOKEN_FILE": file}, func(*requester.Options) {}, "from-file", "", ""},
		{"token wins over the environment's file", map[string]string{"CONSUL_HTTP_TOKEN_FILE": file},
			func(o *requester.Options) { o.Token = "t" }, "t", "", ""},
		{"no environment", map[string]string{"CONSUL_HTTP_TOKEN": "environment", "CONSUL_HTTP_AUTH": "u:p", "CONSUL_HTTP_SSL": "true", "CONSUL_NAMESPACE": "n"},
			func(o *requester.Options) { o.NoEnvironment = true }, "", "", ""},
		{"no environment's file", map[string]string{"CONSUL_HTTP_TOKEN_FILE": file},
			func(o *requester.Options) { o.NoEnvironment = true }, "", "", ""},
		{"a token and no environment", map[string]string{"CONSUL_HTTP_TOKEN": "environment"},
			func(o *requester.Options) { o.NoEnvironment, o.Token = true, "t" }, "t", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			o := requester.DefaultOptions()
			o.Address = server.Listener.Addr().String()
			test.set(&o)
			r := e.get(t, o)
			user, password, ok := r.BasicAuth()
			if ok {
				user += ":" + password
			}
			if got := r.Header.Get("X-Consul-Token"); got != test.token || user != test.user {
				t.Errorf("token %q, user %q; want %q, %q", got, user, test.token, test.user)
			}
			if got := r.URL.Query().Get("ns"); got != test.ns {
				t.Errorf("namespace %q, want %q", got, test.ns)
			}
		})
	}
}

// startTLS starts an agent that speaks HTTP/2 over TLS, and returns its
// address and the file of the authority to trust.
func startTLS(t *testing.T, h http.Handler) (addr, ca string) {
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(ca, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return server.Listener.Addr().String(), ca
}

// TestTLS: TLS is used where it should be, and then HTTP/2 is.
func TestTLS(t *testing.T) {
	cleanEnv(t)
	e := &echo{}
	addr, ca := startTLS(t, e)
	for _, test := range []struct {
		name string
		env  map[string]string
		set  func(*requester.Options)
	}{
		{"authority", nil, func(o *requester.Options) { o.TLS = transport.TLS{Enabled: true, CACert: ca} }},
		{"authority in a directory", nil, func(o *requester.Options) { o.TLS = transport.TLS{Enabled: true, CAPath: filepath.Dir(ca)} }},
		{"any certificate", nil, func(o *requester.Options) { o.TLS = transport.TLS{Enabled: true, SkipVerify: true} }},
		{"server name", nil, func(o *requester.Options) {
			o.TLS = transport.TLS{Enabled: true, CACert: ca, ServerName: "example.com"}
		}},
		{"address", nil, func(o *requester.Options) {
			o.Address = "https://" + addr
			o.TLS = transport.TLS{Enabled: true, CACert: ca}
		}},
		{"environment", map[string]string{"CONSUL_HTTP_SSL": "true", "CONSUL_CACERT": ca}, func(*requester.Options) {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			o := requester.DefaultOptions()
			o.Address = addr
			test.set(&o)
			if r := e.get(t, o); r.ProtoMajor != 2 {
				t.Errorf("the agent was asked with %s", r.Proto)
			}
		})
	}
}

func TestTLSRefuses(t *testing.T) {
	cleanEnv(t)
	o := requester.DefaultOptions()
	addr, ca := startTLS(t, &echo{})
	o.Address = addr
	for name, use := range map[string]transport.TLS{
		"another name":             {Enabled: true, CACert: ca, ServerName: "other.test"},
		"the system's authorities": {Enabled: true},
	} {
		o.TLS = use
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fetchKey(t, c); err == nil {
			t.Errorf("%s: the certificate was taken", name)
		}
		c.Transport.CloseIdleConnections()
	}
}

func TestNewFails(t *testing.T) {
	cleanEnv(t)
	missing := filepath.Join(t.TempDir(), "missing")
	for _, test := range []struct {
		name string
		set  func(*requester.Options)
		want string
	}{
		{"scheme", func(o *requester.Options) { o.Address = "ftp://x" }, "Unknown protocol scheme: ftp"},
		{"password in the address", func(o *requester.Options) { o.Address = "http://u:s3cr3t@x:8500" }, "the address must not hold a user name or password"},
		{"token file", func(o *requester.Options) { o.TokenFile = missing }, "reading the token file: open " + missing},
		{"authority", func(o *requester.Options) { o.TLS = transport.TLS{Enabled: true, CACert: missing} }, "configuring TLS failed: Error loading CA File: open " + missing},
		{"certificate", func(o *requester.Options) { o.TLS = transport.TLS{Enabled: true, Cert: missing} }, "configuring TLS failed: open " + missing},
		{"file", func(o *requester.Options) { o.TLS = transport.TLS{Enabled: true, Cert: "client_test.go"} },
			"configuring TLS failed: tls: failed to find any PEM data in certificate input (its files: client_test.go)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := requester.DefaultOptions()
			test.set(&o)
			_, err := New(o)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("New: %v, want %s…", err, test.want)
			}
		})
	}
}

// TestRedirect: the token and the password go to the host that they are for, and
// to no other, nor to that one over a connection that anybody can read.
func TestRedirect(t *testing.T) {
	cleanEnv(t)
	e := &echo{}
	target := httptest.NewServer(e)
	defer target.Close()
	_, port, _ := net.SplitHostPort(target.Listener.Addr().String())
	for _, test := range []struct {
		name, host string
		secure     bool
		want       string
	}{
		{"the same host", "127.0.0.1", false, "t"},
		{"another host", "localhost", false, ""},
		{"from https to http", "127.0.0.1", true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			redirect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+net.JoinHostPort(test.host, port)+r.URL.RequestURI(), http.StatusTemporaryRedirect)
			})
			o := requester.DefaultOptions()
			o.Token, o.Username, o.Password = "t", "u", "p"
			if test.secure {
				addr, ca := startTLS(t, redirect)
				o.Address, o.TLS = "https://"+addr, transport.TLS{Enabled: true, CACert: ca}
			} else {
				server := httptest.NewServer(redirect)
				defer server.Close()
				o.Address = server.Listener.Addr().String()
			}
			got := e.get(t, o)
			_, password, _ := got.BasicAuth()
			if token := got.Header.Get("X-Consul-Token"); token != test.want || (password != "") != (test.want != "") {
				t.Errorf("the target got the token %q and the password %q, want the token %q", token, password, test.want)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	for _, test := range []struct{ limit, perHost, want int }{
		{200, 0, 128},
		{1000, 0, 640},
		{1563, 0, 992},
		{1 << 62, 0, 1000},
		{0, 0, 1000},
		{0, 300, 300},
		{20, 0, 0},
	} {
		o := requester.DefaultOptions()
		o.Transport.MaxConnsPerHost = test.perHost
		if got := Allowed(o, test.limit); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}

func TestCapacity(t *testing.T) {
	for _, test := range []struct {
		address string
		perHost int
		http2   bool
		want    int
	}{
		{"127.0.0.1:8500", 0, true, 128},
		{"https://127.0.0.1:8501", 0, true, 12800},
		{"https://127.0.0.1:8501", 0, false, 128}, // through a proxy, say
		{"127.0.0.1:8500", 20, true, 20},
		{"127.0.0.1:8500", 1, true, 4},
	} {
		o := requester.DefaultOptions()
		o.Address, o.Transport.MaxConnsPerHost = test.address, test.perHost
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := Capacity(c, o, test.http2); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}
