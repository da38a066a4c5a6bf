package fetch

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// An authority issues certificates as Vault does, below a root of its own.
type authority struct {
	root, sub *x509.Certificate
	key       *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	rootKey, subKey := newKey(t), newKey(t)
	root := certify(t, "root", 48*time.Hour, nil, rootKey, rootKey)
	return &authority{root: root, sub: certify(t, "sub", 48*time.Hour, root, subKey, rootKey), key: subKey}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certify makes a certificate; without a parent, one that signs itself. Only
// authorities have a name.
func certify(t *testing.T, name string, ttl time.Duration, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(ttl / 2), NotAfter: time.Now().Add(ttl),
		IsCA: name != "", BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if parent == nil {
		parent = template
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// issue returns what Vault answers.
func (a *authority) issue(t *testing.T, ttl time.Duration) map[string]any {
	key := newKey(t)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	trim := strings.TrimSpace
	return map[string]any{
		"certificate": trim(pemText(certify(t, "", ttl, a.sub, key, a.key))),
		"private_key": trim(string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))),
		"issuing_ca":  trim(pemText(a.sub)),
		"ca_chain":    []any{trim(pemText(a.sub)), trim(pemText(a.root))},
	}
}

func TestAnswerOfAnyOrder(t *testing.T) {
	a := newAuthority(t)
	issued := a.issue(t, time.Hour)
	want, err := fromAnswer(issued)
	if err != nil {
		t.Fatal(err)
	}
	// The chain in another order, and all of it in one field.
	data := map[string]any{
		"certificate": issued["private_key"].(string) + "\n" + pemText(a.root) + pemText(a.sub) + issued["certificate"].(string),
		"ca_chain":    []any{pemText(a.root), pemText(a.sub)},
	}
	got, err := fromAnswer(data)
	if err != nil || got.value.CA != want.value.CA || got.value.Cert != want.value.Cert || got.value.Key != want.value.Key {
		t.Errorf("another order gives another certificate: %v", err)
	}
	if got.value.CA != pemText(a.sub) {
		t.Error("the authority is not the one that issued it")
	}
}

func TestWrongAnswers(t *testing.T) {
	a := newAuthority(t)
	one := a.issue(t, time.Hour)
	two := a.issue(t, time.Hour)
	for name, data := range map[string]map[string]any{
		"another's key":  {"certificate": one["certificate"], "private_key": two["private_key"]},
		"no certificate": {"private_key": two["private_key"], "issuing_ca": two["issuing_ca"]},
		"nonsense":       {"certificate": "-----BEGIN CERTIFICATE-----\nMTIz\n-----END CERTIFICATE-----"},
		"nothing":        nil,
	} {
		if _, err := fromAnswer(data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got, err := fromAnswer(map[string]any{"certificate": one["certificate"]}); err != nil || got.value.Key != "" {
		t.Errorf("a certificate without a key, as for a signing request: %v", err)
	}
}

// TestNewestThatHasItsKey: files in the midst of a change hold two.
func TestNewestThatHasItsKey(t *testing.T) {
	a := newAuthority(t)
	old := a.issue(t, time.Hour)
	fresh := a.issue(t, 48*time.Hour)
	pick := func(texts ...any) string {
		var p pemBundle
		for _, text := range texts {
			_ = p.add([]byte(text.(string) + "\n"))
		}
		got, err := p.newest()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(got.value.Cert)
	}
	if pick(fresh["certificate"], old["certificate"], old["private_key"]) != old["certificate"] {
		t.Error("one without its key was taken")
	}
	if pick(old["certificate"], old["private_key"], fresh["private_key"], fresh["certificate"]) != fresh["certificate"] {
		t.Error("not the newest was taken")
	}
}

func FuzzPEM(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMTIz\n-----END CERTIFICATE-----"))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nMTIz\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p pemBundle
		if p.add(text) != nil {
			return
		}
		if got, err := p.newest(); err == nil && got.leaf == nil {
			t.Error("nothing was picked")
		}
	})
}
