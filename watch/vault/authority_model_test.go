package vault

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"restencil/watch"
)

// An authorityModel issues real certificates, below a root of its own.
type authorityModel struct {
	t         *testing.T
	root, sub *x509.Certificate
	key       *ecdsa.PrivateKey
	serial    int64
}

func newAuthorityModel(t *testing.T) *authorityModel {
	a := &authorityModel{t: t}
	rootKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.root = a.sign(a.template("root", true, 100*365*24*time.Hour), nil, rootKey, rootKey)
	a.sub = a.sign(a.template("sub", true, 50*365*24*time.Hour), a.root, a.key, rootKey)
	return a
}

func (a *authorityModel) template(name string, ca bool, ttl time.Duration) *x509.Certificate {
	a.serial++
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-30 * time.Second), NotAfter: time.Now().Add(ttl),
		IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
}

func (a *authorityModel) sign(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	if parent == nil {
		parent = template
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

func (a *authorityModel) issue(ttl time.Duration, body map[string]any) (*watch.Secret, error) {
	template := a.template(fmt.Sprint(body["common_name"]), false, ttl)
	template.DNSNames = []string{template.Subject.CommonName}
	if names, ok := body["alt_names"].(string); ok {
		template.DNSNames = append(template.DNSNames, strings.Split(names, ",")...)
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	c := a.sign(template, a.sub, key, a.key)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	trim := strings.TrimSpace
	return &watch.Secret{Data: map[string]any{
		"certificate": trim(pemText(c)),
		"private_key": trim(string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))),
		"issuing_ca":  trim(pemText(a.sub)),
		"ca_chain":    []any{trim(pemText(a.sub)), trim(pemText(a.root))},
		"expiration":  json.Number(fmt.Sprint(c.NotAfter.Unix())),
	}}, nil
}

func pemText(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
