package config

import (
	"fmt"
	"maps"
	"slices"
)

// checkVault says what is wrong with how Vault is reached, and with how its
// secrets are kept.
func (c *Config) checkVault() []error {
	var errs []error
	if at, written := c.origins["secret_perms"]; written && (c.SecretPerms == 0 || c.SecretPerms > 0o777) {
		errs = append(errs, wrong(at, "secret_perms: expected the permission bits of a file", "such as 0600; the 0 in front makes it octal"))
	}
	v := &c.Vault
	errs = append(errs, checkPositive(c.origins, map[string]int64{
		"vault.issue_every":           int64(v.IssueEvery),
		"vault.issue_burst":           int64(v.IssueBurst),
		"vault.max_requests":          int64(v.MaxRequests),
		"vault.token_command_timeout": int64(v.TokenCommandTimeout),
	})...)
	errs = append(errs, checkNotNegative(c.origins, map[string]int64{
		"vault.default_lease_duration": int64(v.DefaultLeaseDuration),
	})...)
	errs = append(errs, c.checkOneLogin()...)
	return append(errs, c.checkLogin()...)
}

// checkPositive complains of the values that were written and are not more
// than zero.
func checkPositive(origins map[string]Origin, values map[string]int64) []error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if at, written := origins[key]; written && values[key] <= 0 {
			errs = append(errs, wrong(at, key+": must be more than 0", ""))
		}
	}
	return errs
}

// otherTokens returns the keys of consul-template's ways to a token that are
// written. Several of those may be (COMPAT 2.5.8), but none beside ours.
func (c *Config) otherTokens() []string {
	v := &c.Vault
	var keys []string
	add := func(key, value string) {
		if value != "" && c.origins[key].Env == "" && c.isSet(key) {
			keys = append(keys, key)
		}
	}
	add("vault.token", v.Token)
	add("vault.vault_agent_token_file", v.AgentTokenFile)
	add("vault.k8s_auth_role_name", v.K8SAuthRoleName)
	return keys
}

// checkOneLogin complains of every way to a token that is written beside a
// login.
func (c *Config) checkOneLogin() []error {
	login := c.login()
	if login == "" {
		return nil
	}
	var errs []error
	for _, key := range slices.Concat(c.logins()[1:], c.otherTokens()) {
		errs = append(errs, wrong(c.origins[key], key+": there is another way to a token already",
			fmt.Sprintf("only one can be written; the other is %s, at %s", login, c.origins[login])))
	}
	return errs
}

// checkLogin says what the login that is written lacks, or has too much of.
func (c *Config) checkLogin() []error {
	login := c.login()
	var errs []error
	complain := func(message, hint string) {
		errs = append(errs, wrong(c.origins[login], login+": "+message, hint))
	}
	for _, p := range c.loginParts() {
		switch file := p.name + "_file"; {
		case p.text != "" && p.file != "":
			complain(p.name+" and "+file+" are both written", "one of them is enough")
		case p.needed && p.text == "" && p.file == "" && p.filed:
			complain(p.name+" is missing", "write "+p.name+" or "+file)
		case p.needed && p.text == "" && p.file == "":
			complain(p.name+" is missing", "write "+p.name)
		}
	}
	if login == certLogin && c.Vault.SSL.Cert == "" {
		complain("there is no certificate to log in with", "write ssl { cert = … } beside it")
	}
	return errs
}

// A loginPart is what a login is done with, written down or in a file.
type loginPart struct {
	name       string
	text, file string
	filed      bool // there may be a file of it
	needed     bool
}

// loginParts returns those of the login that is written.
func (c *Config) loginParts() []loginPart {
	role, jwt := c.Vault.AppRole, c.Vault.JWT
	switch c.login() {
	case appRoleLogin:
		return []loginPart{
			{name: "mount", text: role.Mount, needed: true},
			{name: "role_id", text: role.RoleID, file: role.RoleIDFile, filed: true, needed: true},
			{name: "secret_id", text: role.SecretID, file: role.SecretIDFile, filed: true, needed: role.SecretIDWrapped},
		}
	case jwtLogin:
		return []loginPart{
			{name: "mount", text: jwt.Mount, needed: true},
			{name: "role", text: jwt.Role, needed: true},
			{name: "token", text: jwt.Token, file: jwt.TokenFile, filed: true, needed: true},
		}
	case certLogin:
		return []loginPart{{name: "mount", text: c.Vault.CertLogin.Mount, needed: true}}
	}
	return nil
}
