package format

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"time"
)

const (
	// notBeforeSkew is by how much the clock of who issued a certificate may
	// be ahead of ours.
	notBeforeSkew = 5 * time.Minute

	// Larger keys and certificates are no one's, and take long.
	maxKeyBytes         = 16 << 10
	maxCertificateBytes = 64 << 10
	maxRSABits          = 16 << 10
)

// A certificate is one of a file, and where.
type certificate struct {
	*x509.Certificate
	line int
}

// A privateKey is the public half of a private key in a file, and where.
type privateKey struct {
	public crypto.PublicKey
	line   int
}

// parsed is what a PEM file holds.
type parsed struct {
	certificates []certificate
	keys         []privateKey
}

// checkX509 wants PEM blocks of certificates and private keys, at least one,
// with no certificate out of its time. Text between the blocks is a comment, as
// for every reader of PEM.
func checkX509(content []byte, now time.Time) error {
	p, err := parsePEM(content)
	if err != nil {
		return err
	}
	for _, c := range p.certificates {
		if err := checkTime(c, now); err != nil {
			return err
		}
	}
	return nil
}

func checkTime(c certificate, now time.Time) error {
	switch {
	case now.After(c.NotAfter):
		return wrongAt(c.line, 0, "a certificate that expired at "+stamp(c.NotAfter))
	case now.Add(notBeforeSkew).Before(c.NotBefore):
		return wrongAt(c.line, 0, "a certificate that is not valid before "+stamp(c.NotBefore))
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

var (
	pemBegin = []byte("-----BEGIN")
	pemEnd   = []byte("-----END")
)

// parsePEM reads all blocks. Unlike pem.Decode it leaves out none that is
// spoilt.
func parsePEM(content []byte) (parsed, error) {
	var p parsed
	at, line := 0, 1
	for n := 0; ; n++ {
		rest := content[at:]
		i := bytes.Index(rest, pemBegin)
		if end := bytes.Index(rest, pemEnd); end >= 0 && (i < 0 || end < i) {
			return p, wrongIn(content, at+end, "the end of a PEM block that did not begin")
		}
		if i < 0 && n == 0 {
			return p, wrongAt(0, 0, "no PEM block")
		}
		if i < 0 {
			return p, nil
		}
		line += bytes.Count(rest[:i], []byte("\n"))
		size, err := p.block(content, at+i, line)
		if err != nil {
			return p, err
		}
		line += bytes.Count(rest[i:i+size], []byte("\n"))
		at += i + size
	}
}

// block reads the block at start, and returns its size.
func (p *parsed) block(content []byte, start, line int) (int, error) {
	if start > 0 && content[start-1] != '\n' {
		return 0, wrongIn(content, start, "a PEM block that does not begin its line")
	}
	text := content[start:]
	end := bytes.Index(text, pemEnd)
	if next := bytes.Index(text[1:], pemBegin); end < 0 || next >= 0 && next+1 < end {
		return 0, wrongAt(line, 0, "a PEM block that does not end")
	}
	if i := bytes.IndexByte(text[end:], '\n'); i >= 0 {
		text = text[:end+i+1]
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return 0, wrongAt(line, 0, "a PEM block that cannot be read")
	}
	return len(text), p.add(block, line)
}

func (p *parsed) add(block *pem.Block, line int) error {
	switch block.Type {
	case "CERTIFICATE":
		return p.addCertificate(block.Bytes, line)
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return p.addKey(block, line)
	case "EC PARAMETERS": // openssl writes them before an EC key
		return nil
	case "ENCRYPTED PRIVATE KEY":
		return wrongAt(line, 0, "a private key that is encrypted")
	}
	return wrongAt(line, 0, "a PEM block that is neither a certificate nor a private key")
}

func (p *parsed) addCertificate(der []byte, line int) error {
	if len(der) > maxCertificateBytes {
		return wrongAt(line, 0, "a certificate that is too large")
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return wrongAt(line, 0, "a certificate that cannot be parsed")
	}
	p.certificates = append(p.certificates, certificate{c, line})
	return nil
}

func (p *parsed) addKey(block *pem.Block, line int) error {
	switch {
	case block.Headers["DEK-Info"] != "":
		return wrongAt(line, 0, "a private key that is encrypted")
	case len(block.Bytes) > maxKeyBytes:
		return wrongAt(line, 0, "a private key that is too large")
	}
	key, err := parseKey(block)
	if err != nil {
		return wrongAt(line, 0, "a private key that cannot be parsed")
	}
	pair, ok := key.(interface{ Public() crypto.PublicKey })
	if !ok {
		return wrongAt(line, 0, "a private key of an unknown kind")
	}
	p.keys = append(p.keys, privateKey{pair.Public(), line})
	return nil
}

func parseKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

// signs tells whether c is signed by issuer. Where the signature is of a kind
// that cannot be checked, the names must do.
func signs(issuer, c certificate) bool {
	if !bytes.Equal(c.RawIssuer, issuer.RawSubject) {
		return false
	}
	if key, ok := issuer.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSABits {
		return false
	}
	err := issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}
