package keypair

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
)

// must returns v, which it takes no error to make.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func certificate(t *testing.T, key crypto.Signer) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der := must(x509.CreateCertificate(rand.Reader, c, c, key.Public(), key))(t)
	return must(x509.ParseCertificate(der))(t)
}

func TestKinds(t *testing.T) {
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))(t)
	ecKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]struct {
		block *pem.Block
		owner int // of owners
	}{
		"PKCS#1":         {&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}, 0},
		"SEC 1":          {&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(ecKey))(t)}, 1},
		"PKCS#8 RSA":     {&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(rsaKey))(t)}, 0},
		"PKCS#8 EC":      {&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(ecKey))(t)}, 1},
		"PKCS#8 Ed25519": {&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(edKey))(t)}, 2},
	}
	owners := []crypto.Signer{rsaKey, ecKey, edKey}
	var certificates []*x509.Certificate
	for _, owner := range owners {
		certificates = append(certificates, certificate(t, owner))
	}
	for name, key := range keys {
		public, err := Public(key.block)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, c := range certificates {
			if got, want := Belongs(public, c), key.owner == i; got != want {
				t.Errorf("%s belongs to the certificate of a %T: %v", name, owners[i], got)
			}
		}
	}
	stranger := certificate(t, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t))
	if Belongs(ecKey.Public(), stranger) || Belongs(nil, stranger) {
		t.Error("another key, or none, belongs to a certificate")
	}
}

// Keys that no certificate has are keys all the same.
func TestKeyAgreement(t *testing.T) {
	der := must(x509.MarshalPKCS8PrivateKey(must(ecdh.X25519().GenerateKey(rand.Reader))(t)))(t)
	public, err := Public(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if public == nil || err != nil {
		t.Errorf("got %v, %v", public, err)
	}
}

func TestNoKeys(t *testing.T) {
	for name, block := range map[string]*pem.Block{
		"nothing":      {Type: "PRIVATE KEY"},
		"another type": {Type: "RSA PRIVATE KEY", Bytes: []byte{0x30, 0}},
		"too large":    {Type: "RSA PRIVATE KEY", Bytes: make([]byte, maxKey+1)},
	} {
		if public, err := Public(block); public != nil || err == nil {
			t.Errorf("%s: %v, %v", name, public, err)
		}
	}
}
