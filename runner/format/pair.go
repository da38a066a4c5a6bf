package format

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// An X509File is a file of a bundle whose format is [X509].
type X509File struct {
	Name    string // as errors say it
	Content []byte
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
func Pair(files []X509File, now time.Time) error {
	all := make([]parsed, len(files))
	for i, f := range files {
		if err := Check(X509, f.Name, f.Content, now); err != nil {
			return err
		}
		all[i], _ = parsePEM(f.Content)
		if err := checkChains(all[i].certificates); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return checkKeys(files, all)
}

// checkChains tells whether the chains of a file are in order.
func checkChains(file []certificate) error {
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
			return wrongAt(c.line, 0, "a certificate that is not followed by the one that signed it")
		}
	}
	return nil
}

// checkKeys tells whether each key has its certificate.
func checkKeys(files []X509File, all []parsed) error {
	found := false
	leaves := map[string]bool{}
	for _, p := range all {
		for i, c := range p.certificates {
			found = true
			if id := keyID(c.PublicKey); id != "" && (i == 0 || !c.IsCA) {
				leaves[id] = true
			}
		}
	}
	for i, p := range all {
		for _, key := range p.keys {
			if found && !leaves[keyID(key.public)] {
				return fmt.Errorf("%s: %w", files[i].Name, wrongAt(key.line, 0, "a private key that no certificate of the bundle belongs to"))
			}
		}
	}
	return nil
}

// keyID returns what is the same for equal keys only, "" for a key of a kind
// that is not known.
func keyID(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	return string(der)
}
