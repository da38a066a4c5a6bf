package config

import (
	"path"
	"slices"
	"strings"

	"restencil/cmd/restencil/config/stores"
)

// An environment is environment variables in the form of os.Environ. Of several with
// one name the last counts.
type environment []string

func (e environment) lookup(name string) (value string, ok bool) {
	for _, v := range slices.Backward(e) {
		if key, value, _ := strings.Cut(v, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// get returns the value of a variable without surrounding white space, "" if there is
// none.
func (e environment) get(name string) string {
	value, _ := e.lookup(name)
	return strings.TrimSpace(value)
}

// LookupEnv returns an environment variable as templates see it: first those that say
// how the stores are reached (COMPAT 4.6.2), then the environment of the process.
func (c *Config) LookupEnv(name string) (value string, ok bool) {
	if value, ok = environment(stores.Environ(&c.Consul, &c.Vault)).lookup(name); ok {
		return value, true
	}
	return c.environ.lookup(name)
}

// environmentOf returns the environment of a command or of the child: the inherited
// variables that the filter allows, those that say how the stores are reached, and
// custom ones. Without PassTokens, secrets are removed from all but the custom ones.
func (c *Config) environmentOf(e Env) []string {
	var env []string
	for _, v := range c.environ {
		name, _, _ := strings.Cut(v, "=")
		allowed := !e.Pristine && (len(e.Allowlist) == 0 || matchesAny(name, e.Allowlist))
		if allowed && !matchesAny(name, e.Denylist) {
			env = append(env, v)
		}
	}
	env = append(env, stores.Environ(&c.Consul, &c.Vault)...)
	if !c.Process.PassTokens {
		env = slices.DeleteFunc(env, func(v string) bool {
			name, _, _ := strings.Cut(v, "=")
			return matchesAny(name, secretVariables)
		})
	}
	return append(env, e.Custom...)
}

// secretVariables are patterns of the variables that give access to the stores or to this
// process, and of CT_LOCAL_CONFIG, which may contain the same secrets.
var secretVariables = []string{
	"CONSUL_*TOKEN*", "VAULT_*TOKEN*", "NOMAD_*TOKEN*",
	"VAULT_*SECRET*", "VAULT_*PASSWORD*", "VAULT_*JWT*", "VAULT_HEADERS",
	"CONSUL_HTTP_AUTH", "NOMAD_HTTP_AUTH", "CT_LOCAL_CONFIG", "RESTENCIL_STATUS_TOKEN",
}

// matchesAny reports whether one of the patterns (with * ? and [..]) matches
// the whole name. A malformed pattern matches nothing.
func matchesAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}
