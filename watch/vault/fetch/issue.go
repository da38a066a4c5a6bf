package fetch

import (
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
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/token"
)

// An issuer is the Fetcher of a VaultPKI query.
type issuer struct {
	question
	values url.Values
	files  []string // that keep what was issued
	looked bool     // into these files
}

// Offline implements Fetcher: the first look is at the files.
func (i *issuer) Offline() bool { return !i.looked }

// ErrNothingKept says that the files keep nothing that can be used: the next
// attempt is for Vault.
var ErrNothingKept = errors.New("nothing is kept that can be used")

func (i *issuer) Fetch(ctx context.Context, e token.Epoch) (Result, error) {
	if !i.looked {
		i.looked = true
		return i.kept(time.Now())
	}
	return i.issue(ctx, e)
}

// kept returns the certificate that the files keep, if it can be used.
func (i *issuer) kept(now time.Time) (Result, error) {
	var b pemBundle
	for _, file := range i.files {
		text, err := atomicfile.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) || b.add(text) != nil {
			return Result{}, ErrNothingKept
		}
	}
	got, err := b.newest()
	if err != nil || got.value.Key == "" && !i.values.Has("csr") || !matches(got.leaf, i.values) {
		return Result{}, ErrNothingKept
	}
	result, err := i.result(got, now)
	if err != nil || now.Before(got.leaf.NotBefore) {
		return Result{}, ErrNothingKept
	}
	return result, nil
}

func (i *issuer) issue(ctx context.Context, e token.Epoch) (Result, error) {
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

// result returns a certificate as the answer, unless it is due to be replaced
// already.
func (i *issuer) result(got pair, now time.Time) (Result, error) {
	start, end := got.leaf.NotBefore, got.leaf.NotAfter
	share := lease.Share(i.rules.Threshold, rand.Float64())
	replace := start.Add(time.Duration(float64(end.Sub(start)) * share)) // COMPAT 4.12.5
	if !replace.After(now) {
		return Result{}, errors.New("needs renewal")
	}
	return Result{Data: watch.Taint(got.value), Issued: true, Lease: lease.Until(now, replace, end)}, nil
}

// matches reports whether a certificate is one that the body of a request asks
// for, as far as names and keys go. What the body does not mention may be
// anything.
func matches(c *x509.Certificate, body url.Values) bool {
	// The key is that of a signing request, where there is one. One that makes no
	// sense is Vault's to refuse.
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

// sameNames tells whether the names that a certificate has are those in a
// field of the body. It may have the common name besides, which Vault adds.
func sameNames(has []string, body url.Values, field, common string) bool {
	foreign := func(r rune) bool { return r > unicode.MaxASCII } // certificates write it in another way
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

// plain returns one form of a name for all ways to write it.
func plain(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if ip := net.ParseIP(name); ip != nil {
		return ip.String()
	}
	return name
}
