// Package keypair tells which certificate a private key in PEM belongs to.
package keypair

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// maxKey is how long a key may be, in bytes. A longer one is nobody's, and its
// arithmetic takes long.
const maxKey = 16 << 10

// Public returns the public half of a private key: one of PKCS #1, SEC 1 or
// PKCS #8, by the block's type. What the error says may quote the key.
func Public(private *pem.Block) (crypto.PublicKey, error) {
	if len(private.Bytes) > maxKey {
		return nil, errors.New("it is too large")
	}
	var key any
	var err error
	switch private.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(private.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(private.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(private.Bytes)
	}
	if err != nil {
		return nil, err
	}
	half, ok := key.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil, errors.New("it is of an unknown kind")
	}
	return half.Public(), nil
}

// Belongs tells whether the public half of a key is that of a certificate. That
// of nil is not.
func Belongs(public crypto.PublicKey, to *x509.Certificate) bool {
	key, ok := to.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public != nil && key.Equal(public)
}
