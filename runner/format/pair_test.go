package format

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// An issued is a certificate and its key.
type issued struct {
	certificate *x509.Certificate
	key         crypto.Signer
	pem         string // the certificate
}

// issue returns a certificate by issuer, or one that signed itself where that is
// nil.
func issue(t *testing.T, name string, authority bool, issuer *issued, key crypto.Signer) *issued {
	t.Helper()
	return issueFor(t, name, authority, issuer, key, noon.Add(-time.Hour), noon.Add(time.Hour))
}

func issueFor(t *testing.T, name string, authority bool, issuer *issued, key crypto.Signer, from, to time.Time) *issued {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: from, NotAfter: to, BasicConstraintsValid: true, IsCA: authority,
	}
	if issuer == nil {
		issuer = &issued{certificate: c, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer.certificate, key.Public(), issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{c, key, block("CERTIFICATE", der)}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// pkcs8 returns a key's PEM.
func pkcs8(t *testing.T, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block("PRIVATE KEY", der)
}

func TestPair(t *testing.T) {
	root := issue(t, "root", true, nil, newKey(t))
	middle := issue(t, "middle", true, root, newKey(t))
	leaf := issue(t, "leaf", false, middle, newKey(t))
	other := issue(t, "other", false, middle, newKey(t))
	middleRenewed := issue(t, "middle", true, root, newKey(t))
	alone := issue(t, "alone", true, nil, newKey(t)) // as openssl req -x509 makes it

	leafKey, otherKey := pkcs8(t, leaf.key), pkcs8(t, other.key)
	const stray, unordered = "a private key that no certificate of the bundle belongs to", "a certificate that is not followed by the one that signed it"
	tests := []struct {
		name  string
		files []string
		want  string
	}{
		{"nothing", nil, ""},
		{"key alone", []string{leafKey}, ""},
		{"certificate alone", []string{leaf.pem}, ""},
		{"pair in two files", []string{leaf.pem, leafKey}, ""},
		{"pair in one file", []string{leafKey + leaf.pem}, ""},
		{"key of another generation", []string{leaf.pem, otherKey}, "b: line 1: " + stray},
		{"one key of two is stray", []string{leaf.pem, leafKey + otherKey}, "b: line 6: " + stray},
		{"two pairs", []string{leaf.pem + other.pem, leafKey, otherKey}, ""},
		{"with its chain", []string{leaf.pem + middle.pem + root.pem, leafKey}, ""},
		{"with its chain, without the root", []string{leaf.pem + middle.pem, leafKey}, ""},
		{"chain without the middle", []string{leaf.pem + root.pem, leafKey}, ""},
		{"chain elsewhere", []string{leaf.pem, leafKey, root.pem + middle.pem}, ""},
		{"authorities in any order", []string{root.pem + middle.pem + alone.pem}, ""},
		{"chain the wrong way round", []string{root.pem + middle.pem + leaf.pem, leafKey}, fmt.Sprintf("a: line %d: %s", strings.Count(root.pem, "\n")+1, unordered)},
		{"the issuer only before it", []string{middle.pem + leaf.pem}, fmt.Sprintf("a: line %d: %s", strings.Count(middle.pem, "\n")+1, unordered)},
		{"root before middle", []string{leaf.pem + root.pem + middle.pem, leafKey}, "a: line 1: " + unordered},
		{"authority of the same name", []string{leaf.pem + middleRenewed.pem, leafKey}, "a: line 1: " + unordered},
		{"key of an authority", []string{leaf.pem + middle.pem, pkcs8(t, middle.key)}, "b: line 1: " + stray},
		{"signed itself", []string{alone.pem, pkcs8(t, alone.key)}, ""},
		{"spoilt", []string{leaf.pem, "x"}, "b: no PEM block"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var files []File
			for i, content := range test.files {
				files = append(files, File{Name: string(rune('a' + i)), Content: []byte(content)})
			}
			got := ""
			if err := Pair(files, noon); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestX509Kinds(t *testing.T) {
	ec := newKey(t)
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaKey)
	tests := []struct {
		name    string
		key     crypto.Signer
		content string
	}{
		{"PKCS#1", rsaKey, block("RSA PRIVATE KEY", pkcs1)},
		{"PKCS#8 RSA", rsaKey, pkcs8(t, rsaKey)},
		{"PKCS#8 Ed25519", edKey, pkcs8(t, edKey)},
		{"EC", ec, block("EC PARAMETERS", []byte{6, 0}) + block("EC PRIVATE KEY", sec1)},
		{"text around", ec, "Bag Attributes\n  name: x\n" + pkcs8(t, ec) + "the end\n"},
		{"CRLF", ec, strings.ReplaceAll(pkcs8(t, ec), "\n", "\r\n")},
		{"no last newline", ec, strings.TrimSpace(pkcs8(t, ec))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			certificate := issue(t, "leaf", false, nil, test.key).pem
			files := []File{{Name: "certificate", Content: []byte(certificate)}, {Name: "key", Content: []byte(test.content)}}
			if err := Pair(files, noon); err != nil {
				t.Error(err)
			}
			if err := Check(X509, File{Name: "both", Content: []byte(certificate + test.content)}, noon); err != nil {
				t.Error(err)
			}
		})
	}
	if err := Check(X509, File{Name: "key", Content: []byte(block("EC PRIVATE KEY", pkcs1))}, noon); err == nil {
		t.Error("an RSA key passed as an EC one")
	}
	if err := Check(X509, File{Name: "key", Content: []byte(block("RSA PRIVATE KEY", make([]byte, 17<<10)))}, noon); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a large key: %v", err)
	}
}

func TestX509Time(t *testing.T) {
	from, to := noon, noon.Add(24*time.Hour)
	content := []byte(issueFor(t, "leaf", false, nil, newKey(t), from, to).pem)
	tests := []struct {
		now  time.Time
		want string
	}{
		{from.Add(-5*time.Minute - time.Second), "out: line 1: a certificate that is not valid before 2026-06-01T12:00:00Z"},
		{from.Add(-5 * time.Minute), ""},
		{from, ""},
		{to, ""},
		{to.Add(time.Second), "out: line 1: a certificate that expired at 2026-06-02T12:00:00Z"},
	}
	for _, test := range tests {
		got := ""
		if err := Check(X509, File{Name: "out", Content: content}, test.now); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("at %v: got %q, want %q", test.now, got, test.want)
		}
	}
}
