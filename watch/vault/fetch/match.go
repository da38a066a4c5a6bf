package fetch

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"restencil/watch/keypair"
)

// matches reports whether a certificate is one that the body of a request asks
// for, as far as names and keys go. What the body does not mention may be
// anything.
func matches(c *x509.Certificate, body url.Values) bool {
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
		sameNames(uris, body, "uri_sans", "") &&
		requested(c, body.Get("csr"))
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

// requested tells whether a certificate has the key of a signing request;
// there may be none.
func requested(c *x509.Certificate, csr string) bool {
	block, _ := pem.Decode([]byte(csr))
	if block == nil {
		return true
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return true // Vault will say so
	}
	return keypair.Belongs(request.PublicKey, c)
}
