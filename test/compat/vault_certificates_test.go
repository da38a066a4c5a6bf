package compat

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// certificates are templates that have Vault issue something. Each is rendered
// to a file of its own, and what is in there is compared piece by piece. The duration
// of a lease is what is left of the certificate's, which is a second less where the
// issuing took place at the end of one: it is shown in minutes.
var certificates = []source{
	{name: "pkiCert", text: `{{ with pkiCert "pki/issue/web" "common_name=www.example.com" }}{{ .Cert }}{{ .CA }}{{ .Key }}{{ end }}`},
	{name: "by Data", text: `{{ with pkiCert "/pki/issue/web/" "common_name=www.example.com" "ttl=1h" "" }}{{ .Data.Cert }}{{ .Data.Key }}{{ .Data.CA }}{{ end }}`},
	{name: "other names", text: `{{ with pkiCert "pki/issue/web" " common_name = www.example.com " "alt_names=a.example.com,b.example.com" "ip_sans=10.0.0.1,::1" "ttl=24h" }}{{ .Cert }}{{ .Key }}{{ end }}`},
	{name: "an intermediate authority", text: `{{ with pkiCert "pki-web/issue/web" "common_name=www.example.com" }}{{ .Cert }}{{ range .CAChain }}{{ . }}{{ end }}{{ .Key }}{{ len .CAChain }}{{ end }}`},
	{name: "the authority that has issued it", text: `{{ with pkiCert "pki-web/issue/web" "common_name=www.example.com" }}{{ .CA }}{{ .Key }}{{ .Cert }}{{ end }}`},
	{name: "a key of another form", text: `{{ with pkiCert "pki/issue/web" "common_name=www.example.com" "private_key_format=pkcs8" }}{{ .Key }}{{ .Cert }}{{ end }}`},
	{name: "a bundle", text: `{{ with pkiCert "pki-web/issue/web" "common_name=www.example.com" "format=pem_bundle" }}{{ .Cert }}{{ .Key }}{{ end }}`},
	{name: "signed", text: `{{ with secret "secret/csr" }}{{ with pkiCert "pki/sign/web" (printf "csr=%s" .Data.data.pem) "common_name=signed.example.com" }}{{ .Cert }}{{ .Key }}{{ .CA }}{{ len .CAChain }}{{ end }}{{ end }}`},
	{name: "with a lease", text: `{{ with pkiCert "pki-web/issue/leased" "common_name=www.example.com" }}{{ .Cert }}{{ .Key }}{{ end }}`},
	{name: "on lines with other text", text: `{{ with pkiCert "pki/issue/web" "common_name=www.example.com" }}
Certificate: {{ .Cert }}
Private Key: {{ .Key }}
Cert Authority: {{ .CA }}
{{ end }}`},
	{name: "many of one role", text: `{{ range loop 12 }}{{ with secret "pki-web/issue/web" (printf "common_name=%d.example.com" .) }}{{ .Data.certificate }}
{{ end }}{{ end }}`},
	{name: "between other text", text: `# {{ with pkiCert "pki/issue/web" "common_name=www.example.com" }}
{{ .Cert | trimSpace }}
key:
{{ .Key }}
{{ .Key | toJSON | len | lt 100 }}{{ end }} {{ key "app/name" }}`},
	{name: "secret", text: `{{ with secret "pki/issue/web" "common_name=www.example.com" "ttl=2h" }}{{ .Data.certificate }}
{{ .Data.issuing_ca }}
{{ .Data.private_key }}
{{ .Data.private_key_type }} {{ add .LeaseDuration 30 | divide 60 }} {{ .Renewable }} {{ len .Data.serial_number }} {{ .Data.ca_chain | len }}{{ end }}`},
	{name: "secret with a lease", text: `{{ with secret "pki-web/issue/leased" "common_name=www.example.com" "ttl=2h" }}{{ .Data.certificate }}
{{ range .Data.ca_chain }}{{ . }}
{{ end }}{{ add .LeaseDuration 30 | divide 60 }} {{ .Renewable }} {{ regexMatch "^pki-web/issue/leased/" .LeaseID }}{{ end }}`},
	{name: "secret that signs", text: `{{ with secret "secret/csr" }}{{ with secret "pki/sign/web" (printf "csr=%s" .Data.data.pem) "common_name=signed.example.com" }}{{ .Data.certificate }}
{{ .Data.private_key }}{{ end }}{{ end }}`},
	{name: "one write, one certificate", text: `{{ with secret "pki/issue/web" "common_name=one.example.com" }}{{ $serial := .Data.serial_number }}{{ with secret "pki/issue/web" "common_name=one.example.com" }}{{ eq $serial .Data.serial_number }}{{ end }}{{ end }}`},
}

// TestVaultCertificates wants the same pieces in the files of both programs,
// certificates and keys that belong together, and a second run that changes no
// byte of what pkiCert made.
func TestVaultCertificates(t *testing.T) {
	r := newVaultRig(t)
	for _, s := range certificates {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want := r.issued(t, r.oracle, s)
			got := r.issued(t, r.ours, s)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\nfrom consul-template (-) to restencil (+):\n%s", s.text, diff)
			}
		})
	}
}

// issued renders a certificate twice, and returns what is in the file.
func (r *vaultRig) issued(t *testing.T, p program, s source) []string {
	t.Helper()
	run := p.prepare(t, []source{s})
	if end := p.once(t.Context(), run); end.exit != 0 {
		t.Fatalf("%s: %s", p.name, end.reason())
	}
	first, _ := run.rendered(0)
	if !strings.Contains(s.text, "pkiCert") {
		return pieces(t, first)
	}
	if end := p.once(t.Context(), run); end.exit != 0 {
		t.Fatalf("%s, run again: %s", p.name, end.reason())
	}
	if second, _ := run.rendered(0); second != first && strings.Contains(first, "CERTIFICATE") {
		t.Errorf("%s, run again, makes another file of\n%s\nnamely\n%s", p.name, first, second)
	}
	return pieces(t, first)
}

// pieces describes a file: the text in it, and for each PEM block what it says,
// but for what is different each time.
func pieces(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	var keys []*ecdsa.PublicKey
	for text != "" {
		before, rest, found := strings.Cut(text, "-----BEGIN")
		if before != "" {
			all = append(all, fmt.Sprintf("%q", before))
		}
		if !found {
			break
		}
		block, after := pem.Decode([]byte("-----BEGIN" + rest))
		if block == nil {
			return append(all, fmt.Sprintf("no PEM: %q", rest))
		}
		text = string(after)
		piece, key := describe(t, block)
		all = append(all, piece)
		if key != nil {
			keys = append(keys, key)
		}
	}
	if len(keys) == 2 {
		all = append(all, fmt.Sprint("the key is that of the certificate: ", keys[0].Equal(keys[1])))
	}
	return all
}

// describe says what a PEM block is, and returns the public key if it is a key
// or the certificate of a server.
func describe(t *testing.T, block *pem.Block) (string, *ecdsa.PublicKey) {
	t.Helper()
	switch block.Type {
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		key, _ := c.PublicKey.(*ecdsa.PublicKey)
		if c.IsCA {
			key = nil
		}
		life := c.NotAfter.Sub(c.NotBefore).Round(time.Minute)
		return fmt.Sprintf("certificate of %v by %v for %v %v, %v", c.Subject, c.Issuer, c.DNSNames, c.IPAddresses, life), key
	case "EC PRIVATE KEY":
		key, err := x509.ParseECPrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return block.Type, &key.PublicKey
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return block.Type, &key.(*ecdsa.PrivateKey).PublicKey
	}
	return block.Type, nil
}

// onDisk is what may be in the file of a certificate when a program starts, made
// from what it has written there before.
var onDisk = []struct {
	name         string
	change       func(good string) string
	theirs, ours bool // the file is as before in the end
	reason       string
}{
	{name: "the same", change: func(good string) string { return good }, theirs: true, ours: true},
	{name: "nothing", change: func(string) string { return "" }},
	{name: "text", change: func(string) string { return "no certificate\n" }},
	{name: "a certificate that is cut short", change: func(good string) string { return good[:200] }},
	{
		name: "in another order", change: func(good string) string {
			i := strings.LastIndex(good, "-----BEGIN")
			return good[i:] + good[:i]
		},
		theirs: true, ours: true,
	},
	{name: "other text around it", change: func(good string) string { return "# by hand\n" + good + "# end\n" }, theirs: true, ours: true},
	{name: "on lines with other text", change: func(good string) string { return strings.ReplaceAll(good, "-----BEGIN", "here: -----BEGIN") }, theirs: true, ours: true},
	{
		name:   "another name is asked for by now",
		change: func(good string) string { return good },
		theirs: true, ours: false,
		reason: "a certificate is used again if it is what is asked for (COMPAT Q22)",
	},
}

// TestVaultCertificateOnDisk wants both programs to treat what is in the file of
// a certificate alike, when they start: to take it, or to have one issued.
func TestVaultCertificateOnDisk(t *testing.T) {
	r := newVaultRig(t)
	for _, test := range onDisk {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			name := "www.example.com"
			if test.reason != "" {
				name = "other.example.com"
			}
			if stays := r.stays(t, r.oracle, name, test.change); stays != test.theirs {
				t.Errorf("consul-template takes the certificate in the file: %t, want %t", stays, test.theirs)
			}
			if stays := r.stays(t, r.ours, name, test.change); stays != test.ours {
				t.Errorf("restencil takes the certificate in the file: %t, want %t", stays, test.ours)
			}
		})
	}
}

// stays tells whether a program that starts with a changed file in place has
// the certificate from before in the end.
func (r *vaultRig) stays(t *testing.T, p program, name string, change func(string) string) bool {
	t.Helper()
	asks := func(name string) source {
		return source{name: name, text: fmt.Sprintf(`{{ with pkiCert "pki/issue/web" "common_name=%s" }}{{ .Cert }}{{ .Key }}{{ end }}`, name)}
	}
	run := p.prepare(t, []source{asks("www.example.com")})
	render := func() string {
		if end := p.once(t.Context(), run); end.exit != 0 {
			t.Fatalf("%s: %s", p.name, end.reason())
		}
		text, _ := run.rendered(0)
		return text
	}
	good := render()
	for path, text := range map[string]string{in(0): asks(name).text, out(0): change(good)} {
		if err := os.WriteFile(filepath.Join(run.dir, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return render() == good
}
