package fetch

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"restencil/watch"
	"restencil/watch/keypair"
)

// A pemBundle is what PEM text holds: certificates and keys, in the order in which
// they came, each once.
type pemBundle struct {
	leaves      []*x509.Certificate
	authorities []*x509.Certificate
	keys        []privateKey
}

type privateKey struct {
	block  *pem.Block
	public crypto.PublicKey // nil where the key cannot be read
}

var (
	pemBlock = regexp.MustCompile(`(?s)-----BEGIN [^-]+-----.+?-----END [^-]+-----`)
	indent   = regexp.MustCompile(`(?m)^[ \t]+`)
)

// add adds the blocks of text, which may stand anywhere on a line and be
// indented, as templates have them. What is no certificate and no key counts
// for nothing.
func (b *pemBundle) add(text []byte) error {
	for _, found := range pemBlock.FindAll(text, -1) {
		block, _ := pem.Decode(indent.ReplaceAll(found, nil))
		if block == nil {
			continue
		}
		switch {
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			same := func(k privateKey) bool { return bytes.Equal(k.block.Bytes, block.Bytes) }
			if !slices.ContainsFunc(b.keys, same) {
				public, err := keypair.Public(block)
				if err != nil {
					public = nil
				}
				b.keys = append(b.keys, privateKey{block, public})
			}
		case block.Type == "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return fmt.Errorf("a certificate that makes no sense: %w", err)
			}
			to := &b.leaves
			if c.IsCA {
				to = &b.authorities
			}
			if !slices.ContainsFunc(*to, c.Equal) {
				*to = append(*to, c)
			}
		}
	}
	return nil
}

// A pair is a certificate with what belongs to it.
type pair struct {
	leaf  *x509.Certificate
	value watch.Certificate
}

// newest returns the newest certificate that has its key. Where there is no key
// at all, that is the newest.
func (b *pemBundle) newest() (pair, error) {
	leaves := slices.Clone(b.leaves)
	slices.SortStableFunc(leaves, func(a, b *x509.Certificate) int {
		return cmp.Or(b.NotBefore.Compare(a.NotBefore), b.NotAfter.Compare(a.NotAfter))
	})
	for _, leaf := range leaves {
		for _, key := range b.keys {
			if keypair.Belongs(key.public, leaf) {
				return b.pair(leaf, key.block), nil
			}
		}
	}
	switch {
	case len(leaves) == 0:
		return pair{}, errors.New("there is no certificate in it that is no authority's")
	case len(b.keys) == 0:
		return b.pair(leaves[0], nil), nil
	}
	return pair{}, errors.New("the private key in it does not belong to the certificate")
}

// pair returns a certificate and its key as templates see them. The authority
// that issued it is the first of the chain.
func (b *pemBundle) pair(leaf *x509.Certificate, key *pem.Block) pair {
	value := watch.Certificate{Cert: pemText(leaf)}
	if key != nil {
		value.Key = string(pem.EncodeToMemory(key))
	}
	chain := slices.Clone(b.authorities)
	issuer := slices.IndexFunc(chain, func(a *x509.Certificate) bool { return leaf.CheckSignatureFrom(a) == nil })
	if issuer > 0 {
		first := chain[issuer]
		chain = slices.Insert(slices.Delete(chain, issuer, issuer+1), 0, first)
	}
	for _, authority := range chain {
		value.CAChain = append(value.CAChain, pemText(authority))
	}
	if len(chain) > 0 {
		value.CA = value.CAChain[0]
	}
	return pair{leaf, value}
}

func pemText(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// fromAnswer returns what Vault has issued. The order of the fields of its
// answer, which is none, makes no difference.
func fromAnswer(data map[string]any) (pair, error) {
	var b pemBundle
	for _, name := range []string{"certificate", "private_key", "issuing_ca", "ca_chain"} {
		if err := b.addField(data[name]); err != nil {
			return pair{}, err
		}
	}
	got, err := b.newest()
	if err == nil || len(b.leaves) != 1 || len(b.keys) != 1 || b.keys[0].public != nil {
		return got, err
	}
	return b.pair(b.leaves[0], b.keys[0].block), nil // a kind of key that we cannot read
}

// addField adds the text in a field of an answer, or in its elements.
func (b *pemBundle) addField(v any) error {
	switch v := v.(type) {
	case string:
		return b.add([]byte(v))
	case []any:
		for _, element := range v {
			if err := b.addField(element); err != nil {
				return err
			}
		}
	}
	return nil
}
