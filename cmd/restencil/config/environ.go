package config

import (
	"path"
	"slices"
	"strings"

	"restencil/cmd/restencil/config/stores"
)

// An environment is environment variables in the form of os.Environ. Of
// several of one name the last counts.
type environment []string

// lookup returns the value of a variable.
func (e environment) lookup(name string) (value string, ok bool) {
	for _, v := range slices.Backward(e) {
		if key, value, _ := strings.Cut(v, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// get returns the value of a variable without white space around it, "" where
// there is none.
func (e environment) get(name string) string {
	value, _ := e.lookup(name)
	return strings.TrimSpace(value)
}

// LookupEnv reads an environment variable as templates see it: how the stores
// are reached first (COMPAT 4.6.2), then the process's environment.
func (c *Config) LookupEnv(name string) (value string, ok bool) {
	if value, ok = environment(stores.Environ(&c.Consul, &c.Vault)).lookup(name); ok {
		return value, true
	}
	return c.environ.lookup(name)
}

// environmentOf returns the environment of a command or of the child. Where
// tokens are not passed on, those in custom are, which somebody wants there.
func (c *Config) environmentOf(e Env) []string {
	inherited, overlay := []string(c.environ), stores.Environ(&c.Consul, &c.Vault)
	if !c.Process.PassTokens {
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
		name, _, _ := strings.Cut(v, "=")
		allowed := !e.Pristine && (len(e.Allowlist) == 0 || matchesAny(name, e.Allowlist))
		if allowed && !matchesAny(name, e.Denylist) {
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

// matchesAny reports whether one of the patterns (with * ? and [..]) matches
// the whole name. A malformed pattern matches nothing.
func matchesAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}
