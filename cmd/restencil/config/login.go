package config

import (
	"fmt"
	"slices"
	"strings"

	"restencil/watch/vault"
)

// The keys of the ways to log in to Vault that are ours. The first three are
// blocks, which count as written even where they are empty.
const (
	appRoleLogin = "vault.approle"
	jwtLogin     = "vault.jwt"
	certLogin    = "vault.cert_login"
	tokenCommand = "vault.token_command"
)

// login returns the key of the way to log in that is written, of those that are
// ours; "" for none.
func (c *Config) login() string {
	if ways := c.logins(); len(ways) > 0 {
		return ways[0]
	}
	return ""
}

// logins returns all of them.
func (c *Config) logins() []string {
	var ways []string
	for _, key := range []string{appRoleLogin, jwtLogin, certLogin} {
		if c.IsSet(key) {
			ways = append(ways, key)
		}
	}
	if !emptyCommand(c.Vault.Token.Command) {
		ways = append(ways, tokenCommand)
	}
	return ways
}

// vaultLogin returns the way to log in; its zero value is none.
func (c *Config) vaultLogin() vault.Login {
	v := &c.Vault
	var login vault.Login
	switch c.login() {
	case appRoleLogin:
		login = v.AppRole
		login.Method = vault.AppRole
	case jwtLogin:
		login = v.JWT
		login.Method = vault.JWT
	case certLogin:
		login = v.Cert
		login.Method = vault.Cert
	case tokenCommand:
		return vault.Login{}
	default:
		// Where there is a role and no token (COMPAT 4.12.1).
		if v.Kubernetes.Role != "" && v.Token.Text == "" && v.Token.File == "" {
			login = v.Kubernetes
			login.Method = vault.Kubernetes
		}
		return login
	}
	// People write auth/ before it, as Vault's own commands want it.
	login.Mount = strings.TrimPrefix(strings.Trim(login.Mount, "/"), "auth/")
	return login
}

// checkLogin says what is wrong with how to log in to Vault: that there is a way
// to a token besides, and what a login lacks, or has too much of.
func (c *Config) checkLogin() []error {
	login := c.login()
	if login == "" {
		return nil
	}
	var errs []error
	for _, key := range slices.Concat(c.logins()[1:], c.otherTokens()) {
		errs = append(errs, wrong(c.Origin(key), key+": there is another way to a token already",
			fmt.Sprintf("only one can be written; the other is %s, at %s", login, c.Origin(login))))
	}
	complain := func(message, hint string) {
		errs = append(errs, wrong(c.Origin(login), login+": "+message, hint))
	}
	for _, p := range c.loginParts(login) {
		switch file := p.name + "_file"; {
		case p.text != "" && p.file != "":
			complain(p.name+" and "+file+" are both written", "one of them is enough")
		case p.needed && p.text == "" && p.file == "" && p.filed:
			complain(p.name+" is missing", "write "+p.name+" or "+file)
		case p.needed && p.text == "" && p.file == "":
			complain(p.name+" is missing", "write "+p.name)
		}
	}
	if login == certLogin && c.Vault.TLS.Cert == "" {
		complain("there is no certificate to log in with", "write ssl { cert = … } beside it")
	}
	return errs
}

// otherTokens returns the keys of consul-template's ways to a token that are
// written. Several of those may be (COMPAT 2.5.8), but none beside ours.
func (c *Config) otherTokens() []string {
	v := &c.Vault
	var keys []string
	add := func(key, value string) {
		if value != "" && c.Origin(key).Env == "" && c.IsSet(key) {
			keys = append(keys, key)
		}
	}
	add("vault.token", v.Token.Text)
	add("vault.vault_agent_token_file", v.Token.File)
	add("vault.k8s_auth_role_name", v.Kubernetes.Role)
	return keys
}

// A loginPart is what a login is done with, written down or in a file.
type loginPart struct {
	name       string
	text, file string
	filed      bool // there may be a file of it
	needed     bool
}

// loginParts returns those of a login.
func (c *Config) loginParts(login string) []loginPart {
	role, jwt := c.Vault.AppRole, c.Vault.JWT
	switch login {
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
			{name: "token", text: jwt.JWT, file: jwt.JWTFile, filed: true, needed: true},
		}
	case certLogin:
		return []loginPart{{name: "mount", text: c.Vault.Cert.Mount, needed: true}}
	}
	return nil
}
