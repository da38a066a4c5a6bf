// Package keypair matches private keys in PEM to certificates.
package keypair

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

const maxKey = 16 << 10 // bytes; the arithmetic of a longer key takes long

// Public returns the public key of a private key in PKCS #1, SEC 1 or PKCS #8, by
// the block's type. The error may quote the key.
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

// Belongs reports whether public is the key of a certificate. Nil is not.
func Belongs(public crypto.PublicKey, to *x509.Certificate) bool {
	key, ok := to.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public != nil && key.Equal(public)
}
