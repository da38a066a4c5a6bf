package record

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"restencil/watch/lazyregexp"
)

// A masker replaces secrets by placeholders of the same kind, so that templates that
// parse them go on working.
type masker struct {
	certificate, key []byte // DER, nil if not made yet
}

var uuid = lazyregexp.New(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// value returns the placeholder for a value of JSON, which is a field of this name.
// Names of fields stay.
func (m *masker) value(name string, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case bool:
		return false
	case map[string]any:
		masked := make(map[string]any, len(v))
		for _, field := range slices.Sorted(maps.Keys(v)) {
			masked[field] = m.value(field, v[field])
		}
		return masked
	case []any:
		masked := make([]any, len(v))
		for i, element := range v {
			masked[i] = m.value(name, element)
		}
		return masked
	case []string:
		masked := make([]string, len(v))
		for i, element := range v {
			masked[i] = m.text(name, element)
		}
		return masked
	case string:
		return m.text(name, v)
	}
	return 0 // a number
}

// text returns the placeholder for a text.
func (m *masker) text(name, text string) string {
	placeholder := "masked"
	if name != "" {
		placeholder += "-" + name
	}
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		return text
	case strings.HasPrefix(trimmed, "-----BEGIN "):
		return m.pem(trimmed)
	case uuid.Get().MatchString(trimmed):
		return "00000000-0000-0000-0000-000000000000"
	}
	if _, err := strconv.ParseFloat(trimmed, 64); err == nil {
		return "0"
	}
	if _, err := time.Parse(time.RFC3339, trimmed); err == nil {
		return "2000-01-01T00:00:00Z"
	}
	if _, err := time.ParseDuration(trimmed); err == nil {
		return "1h"
	}
	var embedded any
	if strings.ContainsAny(trimmed[:1], "{[") && json.Unmarshal([]byte(trimmed), &embedded) == nil {
		masked, err := json.Marshal(m.value(name, embedded))
		if err == nil {
			return string(masked)
		}
	}
	if u, err := url.Parse(trimmed); err == nil && u.Scheme != "" && u.Host != "" {
		return u.Scheme + "://" + placeholder
	}
	if _, err := base64.StdEncoding.DecodeString(trimmed); err == nil && len(trimmed) >= 16 {
		return base64.StdEncoding.EncodeToString([]byte(placeholder))
	}
	return placeholder
}

// pem returns a certificate or its key for each block. All are of one pair, made for
// the purpose, which nobody trusts.
func (m *masker) pem(text string) string {
	if m.key == nil {
		m.make()
	}
	var masked strings.Builder
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		replacement := &pem.Block{Type: block.Type, Bytes: []byte("masked")}
		switch {
		case block.Type == "CERTIFICATE":
			replacement.Bytes = m.certificate
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			replacement.Type, replacement.Bytes = "PRIVATE KEY", m.key
		}
		masked.Write(pem.EncodeToMemory(replacement))
	}
	return masked.String()
}

// make makes the certificate and its key. An error leaves them empty.
func (m *masker) make() {
	m.key = []byte{}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "masked"}, DNSNames: []string{"masked.invalid"},
		NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true,
	}
	m.certificate, _ = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	m.key, _ = x509.MarshalPKCS8PrivateKey(key)
}
