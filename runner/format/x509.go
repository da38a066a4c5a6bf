package format

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"regexp"
	"slices"
	"time"

	"restencil/watch/keypair"
)

const (
	// notBeforeSkew is by how much the clock of who issued a certificate may
	// be ahead of ours.
	notBeforeSkew = 5 * time.Minute

	// Larger certificates and keys of authorities are nobody's, and take long.
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

type parsed struct {
	certificates []certificate
	keys         []privateKey
}

// checkX509 wants PEM blocks of certificates and private keys, at least one,
// with no certificate out of its time. Text between the blocks is a comment, as
// for every reader of PEM.
func checkX509(content []byte, now time.Time) *problem {
	p, wrong := parsePEM(content)
	if wrong != nil {
		return wrong
	}
	for _, c := range p.certificates {
		switch {
		case now.After(c.NotAfter):
			return &problem{line: c.line, what: "a certificate that expired at " + stamp(c.NotAfter)}
		case now.Add(notBeforeSkew).Before(c.NotBefore):
			return &problem{line: c.line, what: "a certificate that is not valid before " + stamp(c.NotBefore)}
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

var pemMark = regexp.MustCompile("-----(BEGIN|END)")

// parsePEM reads all blocks. Unlike pem.Decode it leaves out none that is
// spoilt.
func parsePEM(content []byte) (parsed, *problem) {
	var p parsed
	line := 1
	for begin := 0; ; {
		block, rest := pem.Decode(content[begin:])
		if block == nil {
			rest = nil
		}
		read := content[begin : len(content)-len(rest)]
		marks := pemMark.FindAllIndex(read, -1)
		switch {
		case block == nil && begin == 0 && marks == nil:
			return p, &problem{what: "no PEM block"}
		case block == nil && marks == nil:
			return p, nil
		case block == nil || len(marks) != 2:
			return p, at(content, begin+marks[0][0], "a PEM block that cannot be read", "")
		}
		text := read[:marks[0][0]]
		if wrong := p.add(block, line+bytes.Count(text, []byte("\n"))); wrong != nil {
			return p, wrong
		}
		line += bytes.Count(read, []byte("\n"))
		begin += len(read)
	}
}

func (p *parsed) add(block *pem.Block, line int) *problem {
	switch block.Type {
	case "CERTIFICATE":
		if len(block.Bytes) > maxCertificateBytes {
			return &problem{line: line, what: "a certificate that is too large"}
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return &problem{line: line, what: "a certificate that cannot be parsed", says: err.Error()}
		}
		p.certificates = append(p.certificates, certificate{c, line})
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return &problem{line: line, what: "a private key that is encrypted"}
		}
		public, err := keypair.Public(block)
		if err != nil {
			return &problem{line: line, what: "a private key that cannot be parsed", says: err.Error()}
		}
		p.keys = append(p.keys, privateKey{public, line})
	case "EC PARAMETERS": // openssl writes them before an EC key
	case "ENCRYPTED PRIVATE KEY":
		return &problem{line: line, what: "a private key that is encrypted"}
	default:
		return &problem{line: line, what: "a PEM block that is neither a certificate nor a private key"}
	}
	return nil
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
	_, insecure := errors.AsType[x509.InsecureAlgorithmError](err)
	return err == nil || insecure || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

// Pair tells whether the certificates and keys of a bundle belong together:
//
//   - Each file is right by [Check].
//   - Each private key is that of a leaf certificate in one of the files, where
//     they have any certificate at all. A leaf is what does not belong to an
//     authority, and the first certificate of each file, as one that signed
//     itself may say that it is an authority.
//   - In a file, each certificate is followed by the one that signed it, if that
//     is in the file. A file of nothing but authorities is a set of them, in any
//     order.
//
// Its errors are as those of Check, and it is as safe.
func Pair(files []File, now time.Time) error {
	all := make([]parsed, len(files))
	for i, f := range files {
		if err := Check(X509, f, now); err != nil {
			return err
		}
		all[i], _ = parsePEM(f.Content)
		if err := checkChains(all[i].certificates).in(f); err != nil {
			return err
		}
	}
	return checkKeys(files, all)
}

// checkChains tells whether the chains of a file are in order.
func checkChains(file []certificate) *problem {
	if !slices.ContainsFunc(file, func(c certificate) bool { return !c.IsCA }) {
		return nil
	}
	subjects := map[string]bool{}
	for _, c := range file {
		subjects[string(c.RawSubject)] = true
	}
	for i, c := range file {
		if bytes.Equal(c.RawIssuer, c.RawSubject) || !subjects[string(c.RawIssuer)] {
			continue // a root, or the issuer is elsewhere
		}
		if i+1 == len(file) || !signs(file[i+1], c) {
			return &problem{line: c.line, what: "a certificate that is not followed by the one that signed it"}
		}
	}
	return nil
}

// checkKeys tells whether each key has its certificate.
func checkKeys(files []File, all []parsed) error {
	found := false
	var leaves []certificate
	for _, p := range all {
		for i, c := range p.certificates {
			found = true
			if i == 0 || !c.IsCA {
				leaves = append(leaves, c)
			}
		}
	}
	for i, p := range all {
		for _, key := range p.keys {
			own := func(c certificate) bool { return keypair.Belongs(key.public, c.Certificate) }
			if found && !slices.ContainsFunc(leaves, own) {
				stray := &problem{line: key.line, what: "a private key that no certificate of the bundle belongs to"}
				return stray.in(files[i])
			}
		}
	}
	return nil
}
