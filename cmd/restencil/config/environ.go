package config

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// LookupEnv reads an environment variable as templates see it: how the stores
// are reached first (COMPAT 4.6.2), then the process's environment.
func (c *Config) LookupEnv(name string) (value string, ok bool) {
	if value, ok = environment(c.overlay()).lookup(name); ok {
		return value, true
	}
	return c.environ.lookup(name)
}

// environmentOf returns the environment of a command or of the child. Where tokens are not
// passed on, those in custom are, which somebody wants there.
func (c *Config) environmentOf(e Env) []string {
	inherited, overlay := c.environ, c.overlay()
	if !c.PassTokens {
		inherited, overlay = withoutTokens(inherited), withoutTokens(overlay)
	}
	return commandEnv(inherited, overlay, e)
}

// commandEnv returns the environment of a command: what is inherited and
// passes the filter, how the stores are reached, and what is added. Of several
// of one name the last counts.
func commandEnv(inherited, overlay []string, e Env) []string {
	env := make([]string, 0, len(inherited)+len(overlay)+len(e.Custom))
	for _, v := range inherited {
		if name, _, _ := strings.Cut(v, "="); e.inherits(name) {
			env = append(env, v)
		}
	}
	return slices.Concat(env, overlay, e.Custom)
}

// withoutTokens returns env without what gives access to the stores: their
// tokens and where those are kept, passwords and what else logs in, and
// CT_LOCAL_CONFIG, where all of that may stand.
func withoutTokens(env []string) []string {
	names := []string{
		"CONSUL_*TOKEN*", "VAULT_*TOKEN*", "NOMAD_*TOKEN*",
		"VAULT_*SECRET*", "VAULT_*PASSWORD*", "VAULT_*JWT*", "VAULT_HEADERS",
		"CONSUL_HTTP_AUTH", "NOMAD_HTTP_AUTH", "CT_LOCAL_CONFIG",
	}
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return matchesAny(name, names)
	})
}

// inherits reports whether a command gets a variable of the process.
func (e Env) inherits(name string) bool {
	if e.Pristine || len(e.Allowlist) > 0 && !matchesAny(name, e.Allowlist) {
		return false
	}
	return !matchesAny(name, e.Denylist)
}

// matchesAny reports whether one of the patterns (with * ? and [..]) matches
// the whole name. A malformed pattern matches nothing.
func matchesAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// overlay returns the variables that tell commands and templates how the
// stores are reached.
func (c *Config) overlay() []string {
	var env []string
	add := func(name, value string) {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	add("CONSUL_HTTP_ADDR", c.Consul.Address)
	if auth := c.Consul.Auth; auth.Enabled {
		add("CONSUL_HTTP_AUTH", auth.String())
	}
	add("CONSUL_HTTP_TOKEN", c.Consul.Token)
	add("CONSUL_HTTP_TOKEN_FILE", c.Consul.TokenFile)
	add("CONSUL_HTTP_SSL", strconv.FormatBool(c.Consul.SSL.Enabled))
	add("CONSUL_HTTP_SSL_VERIFY", strconv.FormatBool(c.Consul.SSL.Verify))

	add("VAULT_ADDR", c.Vault.Address)
	if !c.Vault.SSL.Verify {
		add("VAULT_SKIP_VERIFY", "true")
	}
	add("VAULT_CLIENT_CERT", c.Vault.SSL.Cert)
	add("VAULT_CLIENT_KEY", c.Vault.SSL.Key)
	add("VAULT_CAPATH", c.Vault.SSL.CAPath)
	add("VAULT_CACERT", c.Vault.SSL.CACert)
	add("VAULT_CACERT_BYTES", c.Vault.SSL.CACertBytes)
	add("VAULT_TLS_SERVER_NAME", c.Vault.SSL.ServerName)
	return env
}

// String returns user:password, as CONSUL_HTTP_AUTH has it.
func (a Auth) String() string { return a.Username + ":" + a.Password }
