package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"restencil/test/await"
)

// TestTLSFailures: where no connection to a store comes about, the first line
// that is printed names the cause, and what to set.
func TestTLSFailures(t *testing.T) {
	dir := t.TempDir()
	ca, other := newAuthority(t, dir, "ca"), newAuthority(t, dir, "other")
	fresh := time.Now().Add(time.Hour)
	plain := func() *httptest.Server { return httptest.NewServer(http.NotFoundHandler()) }
	secure := func(names string, until time.Time, clients tls.ClientAuthType) func() *httptest.Server {
		return func() *httptest.Server {
			s := httptest.NewUnstartedServer(http.NotFoundHandler())
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.EnableHTTP2 = true
			s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.issue(t, names, until)}, ClientAuth: clients, ClientCAs: ca.pool()}
			s.StartTLS()
			return s
		}
	}
	trusted := fmt.Sprintf("ca_cert = %q", ca.file)
	for _, test := range []struct {
		name, scheme, ssl string
		server            func() *httptest.Server
		want              string // a regular expression
	}{
		{"unknown authority", "https", "", secure("127.0.0.1", fresh, 0),
			`certificate signed by unknown authority \(set ssl { ca_cert = … } to the file of the authority that signed the server's certificate\)`},
		{"another authority", "https", fmt.Sprintf("ca_cert = %q", other.file), secure("127.0.0.1", fresh, 0),
			`certificate signed by unknown authority .*\(set ssl { ca_cert = … }`},
		{"expired", "https", trusted, secure("127.0.0.1", time.Now().Add(-time.Hour), 0),
			`certificate has expired or is not yet valid: current time \S+ is after \S+ \(renew the server's certificate, or set this machine's clock\)`},
		{"another name", "https", trusted, secure("elsewhere.test", fresh, 0),
			`cannot validate certificate for 127.0.0.1 .*\(set ssl { server_name = … } to a name in the server's certificate\)`},
		{"no certificate of the client", "https", trusted, secure("127.0.0.1", fresh, tls.RequireAndVerifyClientCert),
			`(certificate required|broken pipe|connection reset by peer|client conn could not be established) \(.*set ssl { cert = …, key = … } to a certificate that (the server|it) accepts\)`},
		{"another's certificate of the client", "https", trusted + fmt.Sprintf("\ncert = %q", other.pair(t, dir)),
			secure("127.0.0.1", fresh, tls.RequireAndVerifyClientCert),
			`(unknown certificate authority|certificate required|broken pipe|connection reset by peer|client conn could not be established) \(.*set ssl { cert = …, key = … } to a certificate that (the server|it) accepts\)`},
		{"TLS to a server without", "https", "", plain,
			`\(the server does not speak TLS at this address: use http://, or its port for https\)`},
		{"no TLS to a server with", "http", "", secure("127.0.0.1", fresh, 0),
			`400.*Client sent an HTTP request to an HTTPS server`},
	} {
		for _, store := range []string{"consul", "vault"} {
			t.Run(test.name+", "+store, func(t *testing.T) {
				t.Parallel()
				s := test.server()
				t.Cleanup(s.Close)
				dir := t.TempDir()
				config := filepath.Join(dir, "config.hcl")
				text := map[string]string{"consul": `{{ key "a" }}`, "vault": `{{ with secret "secret/a" }}{{ .Data.a }}{{ end }}`}[store]
				writeFile(t, config, fmt.Sprintf("%s {\n address = %q\n token = \"not-a-token\"\n ssl {\n enabled = %v\n %s\n }\n}\ntemplate {\n contents = %q\n destination = %q\n}\n",
					store, test.scheme+"://"+s.Listener.Addr().String(), test.scheme == "https", test.ssl, text, filepath.Join(dir, "out")))
				d := start(t, "-config", config)
				want := regexp.MustCompile(test.want)
				await.Eventually(t, func() error {
					for line := range strings.Lines(d.Log.String()) {
						if strings.Contains(line, "[WARN]") || strings.Contains(line, "[ERR]") {
							if !want.MatchString(line) {
								t.Fatalf("the first warning is %s", line)
							}
							return nil
						}
					}
					return fmt.Errorf("there is no warning:\n%s", d.Log.String())
				})
			})
		}
	}
}

// An authority issues certificates.
type authority struct {
	file string // of its own certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, dir, name string) *authority {
	a := &authority{file: filepath.Join(dir, name+".pem")}
	pair := a.issue(t, name, time.Now().Add(time.Hour))
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	writeFile(t, a.file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})))
	return a
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue issues a certificate for a name or an address; the first is the
// authority's own.
func (a *authority) issue(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: until.Add(-24 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{name}
	}
	parent, by := a.cert, a.key
	if parent == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// pair returns a file with a certificate for a client and its key.
func (a *authority) pair(t *testing.T, dir string) string {
	t.Helper()
	pair := a.issue(t, "client", time.Now().Add(time.Hour))
	key, err := x509.MarshalECPrivateKey(pair.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "client.pem")
	writeFile(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Leaf.Raw}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})))
	return file
}
