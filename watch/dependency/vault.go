package dependency

import (
	"maps"
	"slices"
	"time"
)

// A Secret is Vault's answer to a read or a write, nil if the answer to a write is
// empty. Numbers in Data are of type json.Number.
type Secret struct {
	RequestID     string
	LeaseID       string
	LeaseDuration int // seconds
	Renewable     bool
	Data          map[string]any
	Warnings      []string
	Auth          *SecretAuth     // nil if it has no token
	WrapInfo      *SecretWrapInfo // nil if it is not wrapped
}

// SecretAuth is the token of a secret.
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

// Clone returns a copy that shares nothing with s that a template could change. The
// clone of nil is nil.
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

// PemEncoded is the result of pkiCert: PEM blocks, each with its final newline, or
// "" for a missing one.
type PemEncoded struct {
	Cert, Key, CA string
	CAChain       []string
}

// Data returns c, so that .Data.Cert works as for a secret.
func (c PemEncoded) Data() PemEncoded { return c }
