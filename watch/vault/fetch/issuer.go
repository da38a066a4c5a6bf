package fetch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"restencil/renderer/atomicfile"
	"restencil/watch"
	"restencil/watch/keypair"
	"restencil/watch/lazyregexp"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/token"
)

// An issuer is the Fetcher of a VaultPKI query.
type issuer struct {
	base
	values url.Values
}

// kept returns the certificate in the files that keep it, nil if it is not usable.
func (i *issuer) kept(files []string, now time.Time) *Result {
	var b pemBundle
	for _, file := range files {
		text, err := atomicfile.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) || b.add(text) != nil {
			return nil
		}
	}
	got, err := b.newest()
	if err != nil || got.value.Key == "" && !i.values.Has("csr") || !matches(got.leaf, i.values) {
		return nil
	}
	result, err := i.result(got, now)
	if err != nil || now.Before(got.leaf.NotBefore) {
		return nil
	}
	return &result
}

func (i *issuer) Fetch(ctx context.Context, e token.Epoch) (Result, error) {
	s, err := i.ask(ctx, i.id, client.Request{Method: http.MethodPut, Path: i.path, Body: bodyOf(i.values)}, e, mount{})
	if err != nil {
		return Result{}, err
	}
	if s == nil {
		return Result{}, &MissingError{Path: i.path}
	}
	got, err := fromAnswer(s.Data)
	if err != nil {
		return Result{}, fmt.Errorf("what was issued at %s cannot be used: %w", i.path, err)
	}
	result, err := i.result(got, time.Now())
	result.Lease.ID, result.Warnings = s.LeaseID, s.Warnings
	return result, err
}

// result returns a certificate as the answer, unless it is already due to be
// replaced.
func (i *issuer) result(got pair, now time.Time) (Result, error) {
	start, end := got.leaf.NotBefore, got.leaf.NotAfter
	share := lease.Share(i.rules.Threshold, rand.Float64())
	replace := start.Add(time.Duration(float64(end.Sub(start)) * share)) // COMPAT 4.12.5
	if !replace.After(now) {
		return Result{}, errors.New("needs renewal")
	}
	return Result{Data: watch.Taint(got.value), Issued: true, Lease: lease.Until(now, replace, end)}, nil
}

// matches reports whether a certificate has the key and the names that the body of
// a request contains, if any.
func matches(c *x509.Certificate, body url.Values) bool {
	// Vault refuses an invalid signing request.
	if block, _ := pem.Decode([]byte(body.Get("csr"))); block != nil {
		if request, err := x509.ParseCertificateRequest(block.Bytes); err == nil && !keypair.Belongs(request.PublicKey, c) {
			return false
		}
	}
	common := c.Subject.CommonName
	var addresses, uris []string
	for _, ip := range c.IPAddresses {
		addresses = append(addresses, ip.String())
	}
	for _, uri := range c.URIs {
		uris = append(uris, uri.String())
	}
	return sameNames([]string{common}, body, "common_name", "") &&
		sameNames(slices.Concat(c.DNSNames, c.EmailAddresses), body, "alt_names", common) &&
		sameNames(addresses, body, "ip_sans", common) &&
		sameNames(uris, body, "uri_sans", "")
}

// sameNames reports whether the names in a certificate are those in a field of the
// body, perhaps with the common name, which Vault adds.
func sameNames(has []string, body url.Values, field, common string) bool {
	foreign := func(r rune) bool { return r > unicode.MaxASCII } // encoded in certificates
	if body.Get(field) == "" || strings.ContainsFunc(body.Get(field), foreign) {
		return true
	}
	wanted := make(map[string]bool)
	for name := range strings.SplitSeq(body.Get(field), ",") {
		wanted[plain(name)] = true
	}
	delete(wanted, "")
	for _, name := range has {
		if !wanted[plain(name)] && plain(name) != plain(common) {
			return false
		}
		delete(wanted, plain(name))
	}
	return len(wanted) == 0
}

// plain returns the canonical form of a name.
func plain(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if ip := net.ParseIP(name); ip != nil {
		return ip.String()
	}
	return name
}

// A pemBundle is the certificates and keys in PEM texts, in order, each once.
type pemBundle struct {
	leaves      []*x509.Certificate
	authorities []*x509.Certificate
	keys        []*pem.Block
}

var (
	pemBlock = lazyregexp.New(`(?s)-----BEGIN [^-]+-----.+?-----END [^-]+-----`)
	indent   = lazyregexp.New(`(?m)^[ \t]+`)
)

// add adds the blocks of text, which may be indented and begin anywhere on a line,
// as in the output of templates. It ignores all but certificates and keys.
func (b *pemBundle) add(text []byte) error {
	for _, found := range pemBlock.Get().FindAll(text, -1) {
		block, _ := pem.Decode(indent.Get().ReplaceAll(found, nil))
		if block == nil {
			continue
		}
		switch {
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			if !slices.ContainsFunc(b.keys, func(k *pem.Block) bool { return bytes.Equal(k.Bytes, block.Bytes) }) {
				b.keys = append(b.keys, block)
			}
		case block.Type == "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return fmt.Errorf("the certificate cannot be parsed: %w", err)
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

// A pair is a certificate with its key and authorities.
type pair struct {
	leaf  *x509.Certificate
	value watch.Certificate
}

// newest returns the newest certificate that has its key, or if there are no keys,
// the newest certificate.
func (b *pemBundle) newest() (pair, error) {
	leaves := slices.Clone(b.leaves)
	slices.SortStableFunc(leaves, func(a, b *x509.Certificate) int {
		return cmp.Or(b.NotBefore.Compare(a.NotBefore), b.NotAfter.Compare(a.NotAfter))
	})
	for _, leaf := range leaves {
		for _, key := range b.keys {
			if public, _ := keypair.Public(key); keypair.Belongs(public, leaf) {
				return b.pair(leaf, key), nil
			}
		}
	}
	switch {
	case len(leaves) == 0:
		return pair{}, errors.New("it has no certificate but those of authorities")
	case len(b.keys) == 0:
		return b.pair(leaves[0], nil), nil
	}
	return pair{}, errors.New("the private key in it does not belong to the certificate")
}

// pair returns a certificate and its key as templates see them. Its issuer is the
// first of the chain.
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

// fromAnswer returns the certificate in Vault's answer.
func fromAnswer(data map[string]any) (pair, error) {
	var b pemBundle
	chain, _ := data["ca_chain"].([]any)
	for _, field := range append([]any{data["certificate"], data["private_key"], data["issuing_ca"]}, chain...) {
		text, _ := field.(string)
		if err := b.add([]byte(text)); err != nil {
			return pair{}, err
		}
	}
	got, err := b.newest()
	if err != nil && len(b.leaves) == 1 && len(b.keys) == 1 {
		if _, unknown := keypair.Public(b.keys[0]); unknown != nil { // a kind of key that we cannot parse
			return b.pair(b.leaves[0], b.keys[0]), nil
		}
	}
	return got, err
}
