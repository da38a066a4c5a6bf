package vault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// authority has Vault be an authority at pki/ whose role "app" issues
// certificates for any name that last for ttl.
func (s *site) authority(ttl string) {
	s.t.Helper()
	s.server.Write("sys/mounts/pki", map[string]any{"type": "pki"})
	s.server.Write("pki/root/generate/internal", map[string]any{"common_name": "root", "ttl": "24h"})
	s.server.Write("pki/roles/app", map[string]any{
		"allow_any_name": true, "enforce_hostnames": false, "ttl": ttl, "max_ttl": "24h", "not_before_duration": "1s",
		"key_type": "ec", "key_bits": 256,
	})
}

// issues is the requests that issue a certificate.
const issues = "PUT /v1/pki/issue/app"

// tlsBundle has certificate, key and authority in a file each, of one bundle.
// Each reload keeps a copy of them in a directory of its own below "seen".
func (s *site) tlsBundle(name string) {
	call := fmt.Sprintf("pkiCert \"pki/issue/app\" \"common_name=%s\"", name)
	s.block("bundle tls", fmt.Sprintf("bundle \"tls\" {\n reload = <<-END\n%s\nEND\n}", s.keep("cert.pem", "key.pem", "ca.pem")))
	s.template("cert.pem", "{{ with "+call+" }}{{ .Cert }}{{ end }}", `bundle = "tls"`)
	s.template("key.pem", "{{ with "+call+" }}{{ .Key }}{{ end }}", `bundle = "tls"`, `perms = 0600`)
	s.template("ca.pem", "{{ with "+call+" }}{{ .CA }}{{ end }}", `bundle = "tls"`)
}

// keep returns a command that copies files.
func (s *site) keep(files ...string) string {
	dir := s.path("seen")
	var paths []string
	for _, file := range files {
		paths = append(paths, s.file(file))
	}
	return fmt.Sprintf("mkdir -p %[1]s && d=$(mktemp -d %[1]s/XXXXXX) && cp %[2]s $d && mv $d $d.done", dir, strings.Join(paths, " "))
}

// seen returns the directories that reloads have made.
func (s *site) seen() []string {
	s.t.Helper()
	dirs, err := filepath.Glob(s.path("seen", "*.done"))
	if err != nil {
		s.t.Fatal(err)
	}
	return dirs
}

// pair checks that certificate, key and authority in a directory belong
// together, and returns the certificate.
func pair(dir string) (*x509.Certificate, error) {
	two, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("there is no authority")
	}
	_, err = two.Leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: two.Leaf.NotBefore})
	return two.Leaf, err
}

// TestCertificatesRotate: certificate, key and authority are of one issue at
// every reload, and never expired.
func TestCertificatesRotate(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	life := "8s"
	if *soak > 0 {
		life = "20s"
	}
	s.authority(life)
	s.tlsBundle("www.example")
	s.vault += "\n " + inTime
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Exists(s.file("ca.pem")))
	var serials []string
	for end := time.Now().Add(lasting(20 * time.Second)); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		d.MustBeAlive()
		if leaf, err := pair(s.path("out")); err == nil && time.Now().After(leaf.NotAfter) {
			t.Fatalf("at %v there is a certificate until %v", time.Now(), leaf.NotAfter)
		}
	}
	for _, dir := range s.seen() {
		leaf, err := pair(dir)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		serials = append(serials, leaf.SerialNumber.String())
	}
	issued := s.proxy.count(issues)
	if len(serials) < 3 || issued > len(serials)+1 {
		t.Errorf("%d issues and reloads with %q", issued, serials)
	}
}

// TestCertificateIsReused: a daemon that starts again takes the certificate
// that the files have, unless something is wrong with it.
func TestCertificateIsReused(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.authority("1h")
	s.tlsBundle("www.example")
	for i, step := range []struct {
		name   string
		change func()
		issued int
	}{
		{"first", func() {}, 1},
		{"as it was", func() {}, 1},
		{"other name", func() { s.tlsBundle("other.example") }, 2},
		{"key destroyed", func() { write(t, s.file("key.pem"), "no key\n") }, 3},
		{"key missing", func() { _ = os.Remove(s.file("key.pem")) }, 4},
		{"another's key", func() { write(t, s.file("key.pem"), content(t, s.path("other-key"))) }, 5},
		{"as it was, again", func() {}, 5},
	} {
		step.change()
		d := s.start("-log-level", "info")
		await.Eventually(t, func() error {
			leaf, err := pair(s.path("out"))
			if err == nil && i >= 2 && leaf.Subject.CommonName != "other.example" {
				err = fmt.Errorf("the certificate is of %s", leaf.Subject.CommonName)
			}
			if err == nil && s.proxy.count(issues) < step.issued {
				err = errors.New("nothing is issued")
			}
			return err
		})
		await.Eventually(t, d.says("all templates are rendered")) // the files may be there from before
		if i == 0 {
			write(t, s.path("other-key"), content(t, s.file("key.pem")))
		}
		time.Sleep(300 * time.Millisecond) // for an issue that should not be
		d.stop()
		if n := s.proxy.count(issues); n != step.issued {
			t.Errorf("%s: %d issues, want %d", step.name, n, step.issued)
		}
	}
}
