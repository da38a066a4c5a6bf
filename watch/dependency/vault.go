package dependency

import (
	"maps"
	"slices"
	"time"
)

// A Secret is what Vault answered to a read or a write. Numbers in Data are of
// type json.Number, as they were received. A write that Vault does not answer
// is a nil *Secret.
type Secret struct {
	RequestID     string
	LeaseID       string
	LeaseDuration int // seconds
	Renewable     bool
	Data          map[string]any
	Warnings      []string
	Auth          *SecretAuth     // nil where no token came with it
	WrapInfo      *SecretWrapInfo // nil where the answer is not wrapped
}

// SecretAuth is a token that came with a secret.
type SecretAuth struct {
	ClientToken   string
	Accessor      string
	Policies      []string
	Metadata      map[string]string
	LeaseDuration int // seconds
	Renewable     bool
}

// SecretWrapInfo says how to unwrap a wrapped secret.
type SecretWrapInfo struct {
	Token           string
	TTL             int // seconds
	CreationTime    time.Time
	WrappedAccessor string
}

// Clone returns a copy that shares nothing with s which a template could
// change. The clone of nil is nil.
func (s *Secret) Clone() *Secret {
	if s == nil {
		return nil
	}
	c := *s
	c.Data, _ = cloneTree(s.Data).(map[string]any)
	c.Warnings = slices.Clone(s.Warnings)
	if s.Auth != nil {
		auth := *s.Auth
		auth.Policies = slices.Clone(auth.Policies)
		auth.Metadata = maps.Clone(auth.Metadata)
		c.Auth = &auth
	}
	return &c
}

// cloneTree copies what JSON decodes to.
func cloneTree(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := maps.Clone(v)
		for k, element := range c {
			c[k] = cloneTree(element)
		}
		return c
	case []any:
		c := slices.Clone(v)
		for i, element := range c {
			c[i] = cloneTree(element)
		}
		return c
	default:
		return v
	}
}

// PemEncoded is what pkiCert returns: PEM blocks, each with the newline
// that ends it, or "" where there is none.
type PemEncoded struct {
	Cert, Key, CA string
	CAChain       []string
}

// Data returns c itself, so that a template may say .Data.Cert as it would of
// a secret.
func (c PemEncoded) Data() PemEncoded { return c }
