package client

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
	"restencil/watch/transport"
)

// clearEnv unsets what a client heeds.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "VAULT_") {
			t.Setenv(name, "")
		}
	}
}

func testClient(t *testing.T, o Options) *Client {
	t.Helper()
	clearEnv(t)
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve starts a server and returns a client of it.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return testClient(t, Options{Server: transport.Server{Address: server.URL}})
}

func get(path string) Request { return Request{Method: http.MethodGet, Path: path} }

func TestRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	c := testClient(t, Options{Server: transport.Server{Address: server.URL + "/", Namespace: "ns1/"}, UserAgent: "restencil/1"})
	r := Request{Method: http.MethodPut, Path: "secret/a b?c", Query: url.Values{"list": {"true"}}, Body: map[string]any{"k": "v"}, Token: canary}
	if s, err := c.Call(t.Context(), r); s != nil || err != nil {
		t.Fatal(s, err)
	}
	want := map[string]string{"X-Vault-Request": "true", "X-Vault-Token": canary, "X-Vault-Namespace": "ns1/", "User-Agent": "restencil/1"}
	for name, value := range want {
		if v := got.Header.Get(name); v != value {
			t.Errorf("%s is %q, want %q", name, v, value)
		}
	}
	if s := got.Method + " " + got.RequestURI + " " + string(body); s != `PUT /v1/secret/a%20b%3Fc?list=true {"k":"v"}` {
		t.Error(s)
	}
	r.Token = ""
	if _, err := c.Call(t.Context(), r); err != nil || got.Header.Get("X-Vault-Token") != "" {
		t.Error(err, got.Header)
	}
}

func TestEnvironment(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer server.Close()
	clearEnv(t)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_NAMESPACE", "ns")
	t.Setenv("VAULT_HEADERS", `{"X-Own":"1"}`)
	t.Setenv("VAULT_TOKEN", "env-"+canary)
	t.Setenv("VAULT_CLIENT_TIMEOUT", "7")
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Call(t.Context(), get("x")); err != nil {
		t.Fatal(err)
	}
	h := got.Header
	if h.Get("X-Vault-Namespace") != "ns" || h.Get("X-Own") != "1" || h.Get("X-Vault-Token") != "" || h.Get("User-Agent") != "Go-http-client/1.1" {
		t.Error(h)
	}
	if c.timeout != 7*time.Second {
		t.Error(c.timeout)
	}
	t.Setenv("VAULT_AGENT_ADDR", "http://127.0.0.1:1")
	if c, err = New(Options{Server: transport.Server{Address: server.URL}}); err != nil || c.url.String() != server.URL {
		t.Error("the written address does not win", err)
	}
	if c, err = New(Options{Server: transport.Server{Address: server.URL, NoEnvironment: true}}); err != nil || c.Namespace() != "" || c.header.Get("X-Own") != "" || c.timeout != time.Minute {
		t.Errorf("the environment is used: %v, header %v, timeout %v", err, c.header, c.timeout)
	}
}

func TestMalformedEnvironment(t *testing.T) {
	for name, want := range map[string]string{
		"VAULT_SKIP_VERIFY":    "error encountered setting up default configuration: could not parse VAULT_SKIP_VERIFY: strconv.ParseBool: parsing \"nonsense\": invalid syntax",
		"VAULT_CLIENT_TIMEOUT": `error encountered setting up default configuration: could not parse VAULT_CLIENT_TIMEOUT: time: invalid duration "nonsense"`,
		"VAULT_HEADERS":        "error encountered setting up default configuration: could not parse VAULT_HEADERS: it is not a JSON object of strings",
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			t.Setenv(name, "nonsense")
			if _, err := New(Options{}); err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   *watch.Secret
		err    string
	}{
		"data":     {200, `{"request_id":"r","lease_id":"l","lease_duration":3,"renewable":true,"data":{"n":12345678901234567}}`, &watch.Secret{RequestID: "r", LeaseID: "l", LeaseDuration: 3, Renewable: true, Data: map[string]any{"n": json.Number("12345678901234567")}}, ""},
		"auth":     {200, `{"auth":{"client_token":"t","accessor":"a","policies":["p"],"metadata":{"k":"v"},"lease_duration":5,"renewable":true}}`, &watch.Secret{Auth: &watch.SecretAuth{ClientToken: "t", Accessor: "a", Policies: []string{"p"}, Metadata: map[string]string{"k": "v"}, LeaseDuration: 5, Renewable: true}}, ""},
		"wrapped":  {200, `{"wrap_info":{"token":"t","ttl":5,"creation_time":"2026-01-02T03:04:05Z","wrapped_accessor":"a"}}`, &watch.Secret{WrapInfo: &watch.SecretWrapInfo{Token: "t", TTL: 5, CreationTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), WrappedAccessor: "a"}}, ""},
		"nothing":  {204, "", nil, ""},
		"empty":    {200, "", nil, ""},
		"deleted":  {404, `{"data":{"metadata":{"version":2}}}`, &watch.Secret{Data: map[string]any{"metadata": map[string]any{"version": json.Number("2")}}}, ""},
		"warned":   {404, `{"warnings":["w"]}`, &watch.Secret{Warnings: []string{"w"}}, ""},
		"missing":  {404, `{"errors":[]}`, nil, "Vault answered 404 Not Found"},
		"no mount": {404, `{"errors":["no handler"]}`, nil, "Vault answered 404: no handler"},
		"denied":   {403, `{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}`, nil, "Vault answered 403: permission denied; invalid token"},
		"page":     {502, "<html>\n<b>bad</b> " + canary + "</html>", nil, "Vault answered 502: <html> <b>bad</b> ***</html>"},
		"long":     {502, strings.Repeat("x", 10000), nil, "Vault answered 502: " + strings.Repeat("x", 500) + "…"},
		"no JSON":  {200, "<html>", nil, "the answer is not Vault's: invalid character '<' looking for beginning of value"},
	} {
		t.Run(name, func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			r := get("secret/x")
			r.Token = canary
			got, err := client.Call(t.Context(), r)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if (err != nil || c.err != "") && (err == nil || err.Error() != c.err) {
				t.Errorf("error %v, want %s", err, c.err)
			}
		})
	}
}

func TestAnswerIsBounded(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		piece := bytes.Repeat([]byte("x"), 1<<20)
		for range 80 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	if _, err := client.Call(t.Context(), get("x")); !errors.Is(err, errTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "4")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := client.Call(t.Context(), get("x"))
	if RetryAfter(err) != 4*time.Second || Class(err) != watch.Retry {
		t.Errorf("retry after %v: %v", RetryAfter(err), err)
	}
}

func TestRedirect(t *testing.T) {
	var got []string
	active := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.Host+r.RequestURI+" "+string(body)+" "+r.Header.Get("X-Vault-Token"))
	}))
	defer active.Close()
	other := strings.Replace(active.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	standby := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+other+r.RequestURI, http.StatusTemporaryRedirect)
	})
	r := Request{Method: http.MethodPut, Path: "x", Body: 1, Query: url.Values{"a": {"b"}}, Token: "t"}
	if _, err := standby.Call(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != "PUT "+other+"/v1/x?a=b 1 t" {
		t.Error(got)
	}
}

func TestRedirectLoop(t *testing.T) {
	calls := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "/v1/x", http.StatusTemporaryRedirect)
	})
	r := get("x")
	r.Token = canary
	if _, err := client.Call(t.Context(), r); err == nil || !strings.Contains(err.Error(), "307") || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

// TestRedirectWithoutTLS sees to it that a token goes nowhere in the clear.
func TestRedirectWithoutTLS(t *testing.T) {
	standby := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/v1/x", http.StatusTemporaryRedirect)
	}))
	defer standby.Close()
	client, err := New(Options{Server: transport.Server{Address: standby.URL, TLS: transport.TLS{SkipVerify: true}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := get("x")
	r.Token = canary
	if _, err := client.Call(t.Context(), r); err == nil || !strings.Contains(err.Error(), "does not use TLS") || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
}

func TestUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "vault") // short: a socket's path has little room
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Skip(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":{"a":"b"}}`)
	})}}
	server.Start()
	defer server.Close()
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	c := testClient(t, Options{Server: transport.Server{Address: "unix://" + socket}})
	s, err := c.Call(t.Context(), get("x"))
	if err != nil || s.Data["a"] != "b" {
		t.Error(s, err)
	}
}

func TestTimeout(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"silence":     func(http.ResponseWriter) {},
		"half a body": func(w http.ResponseWriter) { _, _ = io.WriteString(w, "{"); w.(http.Flusher).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				<-r.Context().Done()
			}))
			defer server.Close()
			c := testClient(t, Options{Server: transport.Server{Address: server.URL}})
			c.timeout = 50 * time.Millisecond
			_, err := c.Call(t.Context(), get("x"))
			if err == nil || !strings.Contains(err.Error(), "no answer within 50ms") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	tlsOnly := httptest.NewServer(nil)
	defer tlsOnly.Close()
	for address, want := range map[string]string{
		"vault:8200": "the address must begin with http://",
		strings.Replace(tlsOnly.URL, "http:", "https:", 1): "the server does not speak TLS at this address: use http://",
	} {
		_, err := testClient(t, Options{Server: transport.Server{Address: address}}).Call(t.Context(), get("x"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	c := testClient(t, Options{})
	nobody := testClient(t, Options{Server: transport.Server{Address: "https://127.0.0.1:1"}})
	c.url = nobody.url
	if _, err := c.Call(t.Context(), get("x")); err == nil || !strings.Contains(err.Error(), "no address is configured") {
		t.Errorf("got %v", err)
	}
}

// authority makes certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key, a.pem = a.make(t, &x509.Certificate{Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) make(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotAfter = time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// pair writes a certificate and its key into one file, and returns its path.
func (a *authority) pair(t *testing.T, path, name string) string {
	t.Helper()
	_, key, text := a.make(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}})
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})...)
	return write(t, path, text)
}

func write(t *testing.T, path string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t)
	caFile := write(t, filepath.Join(dir, "ca.pem"), ca.pem)
	caPath := filepath.Join(dir, "cas", "deep")
	if err := os.MkdirAll(caPath, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(caPath, "ca.pem"), ca.pem)
	other := write(t, filepath.Join(dir, "other.pem"), newAuthority(t).pem)
	own := ca.pair(t, filepath.Join(dir, "own.pem"), "first")
	serverPair, err := tls.LoadX509KeyPair(ca.pair(t, filepath.Join(dir, "server.pem"), "vault.test"), filepath.Join(dir, "server.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"name": r.TLS.PeerCertificates[0].Subject.CommonName, "proto": r.Proto}})
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{serverPair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	server.StartTLS()
	defer server.Close()

	base := transport.TLS{Cert: own, CACert: caFile, ServerName: "vault.test"}
	for name, c := range map[string]struct {
		change func(*transport.TLS)
		env    map[string]string
		fails  bool
	}{
		"cert file holds the key": {func(*transport.TLS) {}, nil, false},
		"key apart":               {func(o *transport.TLS) { o.Key = own }, nil, false},
		"bytes":                   {func(o *transport.TLS) { o.CACert, o.CACertBytes = "", string(ca.pem) }, nil, false},
		"path":                    {func(o *transport.TLS) { o.CACert, o.CAPath = "", filepath.Join(dir, "cas") }, nil, false},
		"ca_cert first":           {func(o *transport.TLS) { o.CACert, o.CACertBytes = other, string(ca.pem) }, nil, true},
		"bytes before path":       {func(o *transport.TLS) { o.CACert, o.CACertBytes, o.CAPath = "", string(ca.pem), filepath.Dir(other) }, nil, false},
		"unknown authority":       {func(o *transport.TLS) { o.CACert = "" }, nil, true},
		"wrong name":              {func(o *transport.TLS) { o.ServerName = "" }, nil, true},
		"unverified":              {func(o *transport.TLS) { *o = transport.TLS{Cert: own, SkipVerify: true} }, nil, false},
		"no certificate":          {func(o *transport.TLS) { o.Cert = "" }, nil, true},
		"environment":             {func(o *transport.TLS) { *o = transport.TLS{} }, map[string]string{"VAULT_CACERT": caFile, "VAULT_CLIENT_CERT": own, "VAULT_CLIENT_KEY": own, "VAULT_TLS_SERVER_NAME": "vault.test"}, false},
		"verifying is explicit":   {func(o *transport.TLS) { o.CACert = other }, map[string]string{"VAULT_SKIP_VERIFY": "true"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			o := Options{Server: transport.Server{Address: server.URL, TLS: base}}
			c.change(&o.TLS)
			client, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			s, err := client.Call(t.Context(), get("x"))
			if c.fails != (err != nil) {
				t.Fatalf("error %v, wanted one: %v", err, c.fails)
			}
			if err == nil && (s.Data["name"] != "first" || s.Data["proto"] != "HTTP/2.0") {
				t.Error(s.Data)
			}
		})
	}

	client := testClient(t, Options{Server: transport.Server{Address: server.URL, TLS: base}})
	ca.pair(t, own, "second")
	if s, err := client.Call(t.Context(), get("x")); err != nil || s.Data["name"] != "second" {
		t.Errorf("a new certificate is not used: %v, %v", s, err)
	}
	client.Close()
	write(t, own, []byte("half of a cert"))
	if s, err := client.Call(t.Context(), get("x")); err != nil || s.Data["name"] != "second" {
		t.Errorf("the last good certificate is not used: %v, %v", s, err)
	}
}

func TestTLSFilesThatAreWrong(t *testing.T) {
	clearEnv(t)
	_, err := New(Options{Server: transport.Server{TLS: transport.TLS{CACert: filepath.Join(t.TempDir(), "nope")}}})
	if err == nil || !strings.HasPrefix(err.Error(), "configuring TLS failed: Error loading CA File: open ") {
		t.Errorf("got %v", err)
	}
	if _, err := New(Options{Server: transport.Server{TLS: transport.TLS{Cert: "nope"}}}); err == nil {
		t.Error("no error without a certificate")
	}
}
