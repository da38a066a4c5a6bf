package format

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"time"

	"restencil/watch/keypair"
	"restencil/watch/lazyregexp"
)

const (
	// notBeforeSkew is how far the clock of an issuer may be ahead of ours.
	notBeforeSkew = 5 * time.Minute

	// No real certificate or key of an authority is larger. A larger one takes long
	// to check.
	maxCertificateBytes = 64 << 10
	maxRSABits          = 16 << 10
)

// A pemFile is the content of a file of PEM blocks.
type pemFile struct {
	certificates []certificate
	keys         []publicKey // one of each private key
}

type certificate struct {
	*x509.Certificate
	line int // of the file
}

type publicKey struct {
	crypto.PublicKey
	line int
}

// checkX509 accepts PEM blocks of certificates and private keys, at least one, if no
// certificate is expired or not yet valid. Text between the blocks is a comment, as
// for every reader of PEM.
func checkX509(content []byte, now time.Time) *problem {
	p, wrong := parsePEM(content)
	if wrong != nil {
		return wrong
	}
	for _, c := range p.certificates {
		switch {
		case now.After(c.NotAfter):
			return &problem{line: c.line, summary: "a certificate that expired at " + c.NotAfter.UTC().Format(time.RFC3339)}
		case now.Add(notBeforeSkew).Before(c.NotBefore):
			return &problem{line: c.line, summary: "a certificate that is not valid before " + c.NotBefore.UTC().Format(time.RFC3339)}
		}
	}
	return nil
}

var pemMark = lazyregexp.New("-----(BEGIN|END)")

// parsePEM parses all blocks. Unlike pem.Decode it does not skip a malformed one.
func parsePEM(content []byte) (pemFile, *problem) {
	var p pemFile
	line := 1
	for begin := 0; ; {
		block, rest := pem.Decode(content[begin:])
		if block == nil {
			rest = nil
		}
		read := content[begin : len(content)-len(rest)]
		marks := pemMark.Get().FindAllIndex(read, -1)
		switch {
		case block == nil && begin == 0 && marks == nil:
			return p, &problem{summary: "no PEM block"}
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

func (p *pemFile) add(block *pem.Block, line int) *problem {
	switch block.Type {
	case "CERTIFICATE":
		if len(block.Bytes) > maxCertificateBytes {
			return &problem{line: line, summary: "a certificate that is too large"}
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return &problem{line: line, summary: "a certificate that cannot be parsed", detail: err.Error()}
		}
		p.certificates = append(p.certificates, certificate{c, line})
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return &problem{line: line, summary: "a private key that is encrypted"}
		}
		public, err := keypair.Public(block)
		if err != nil {
			return &problem{line: line, summary: "a private key that cannot be parsed", detail: err.Error()}
		}
		p.keys = append(p.keys, publicKey{public, line})
	case "EC PARAMETERS": // openssl writes them before an EC key
	case "ENCRYPTED PRIVATE KEY":
		return &problem{line: line, summary: "a private key that is encrypted"}
	default:
		return &problem{line: line, summary: "a PEM block that is neither a certificate nor a private key"}
	}
	return nil
}

// signs reports whether issuer signed c. If package x509 cannot check that kind of
// signature, the names decide.
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

// Pair checks that the certificates and keys of a bundle belong together:
//
//   - Each file passes [Check].
//   - Each private key is that of a leaf certificate in one of the files, if they
//     have any certificate. A leaf is a certificate that is not of an authority, or
//     the first of a file, as a self-signed one may say that it is an authority.
//   - In a file, the issuer of a certificate comes right after it, if the file has
//     it. A file of authorities only is a set, in any order.
//
// Its errors are those of Check, and it is as safe.
func Pair(files []File, now time.Time) error {
	all := make([]pemFile, len(files))
	var leaves []certificate
	for i, f := range files {
		if err := Check(X509, f, now); err != nil {
			return err
		}
		all[i], _ = parsePEM(f.Content)
		if err := checkChains(all[i].certificates).in(f); err != nil {
			return err
		}
		for at, c := range all[i].certificates {
			if at == 0 || !c.IsCA {
				leaves = append(leaves, c)
			}
		}
	}
	for i, p := range all {
		for _, key := range p.keys {
			belongs := func(c certificate) bool { return keypair.Belongs(key.PublicKey, c.Certificate) }
			if leaves != nil && !slices.ContainsFunc(leaves, belongs) {
				stray := &problem{line: key.line, summary: "a private key that no certificate of the bundle belongs to"}
				return stray.in(files[i])
			}
		}
	}
	return nil
}

// checkChains checks that the chains of a file are in order.
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
			return &problem{line: c.line, summary: "a certificate that is not followed by the one that signed it"}
		}
	}
	return nil
}
