package format

import (
	"bytes"
	"slices"
	"time"

	"restencil/watch/keypair"
)

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
