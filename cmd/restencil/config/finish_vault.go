package config

import (
	"os"
	"path/filepath"
	"strings"
)

// finishVault finds the token. What is written wins over what is found, in this
// order: the file of an agent, which the source reads; a login of ours; the
// token that is written, then that of the environment; a login on Kubernetes;
// the token that "vault login" left on this machine. But for the login of ours
// and the last two, which are the other way round there, it is
// consul-template's (COMPAT 2.5.8, 4.12.1).
func (c *Config) finishVault() {
	v := &c.Vault
	c.keepVaultSSL()
	if c.login() != "" {
		c.dropFound("vault.token", &v.Token)
		c.dropFound("vault.k8s_auth_role_name", &v.K8SAuthRoleName)
	}
	loggedIn := c.login() != "" || v.K8SAuthRoleName != ""
	if !loggedIn && v.Token == "" && !c.isSet("vault.vault_agent_token_file") {
		v.Token = c.foundVaultToken()
	}
	if !c.isSet("vault.renew_token") {
		v.RenewToken = v.AgentTokenFile == "" && (v.Token != "" || loggedIn)
	}
	if !c.isSet("vault.enabled") {
		v.Enabled = v.Address != ""
	}
	c.keepThreshold()
}

// dropFound takes back what the environment says.
func (c *Config) dropFound(key string, value *string) {
	if c.origins[key].Env != "" {
		*value = ""
		delete(c.origins, key)
	}
}

// foundVaultToken returns the token that "vault login" has left on this
// machine, "" for none.
func (c *Config) foundVaultToken() string {
	home := c.environ.get("HOME")
	if home == "" {
		return ""
	}
	return firstContent(filepath.Join(home, ".vault-token"))
}

// keepThreshold keeps to the default a share that is none. consul-template
// takes any number, and does no good with such a one.
func (c *Config) keepThreshold() {
	const standard = 0.9
	if t := c.Vault.LeaseRenewalThreshold; t > 0 && t < 1 {
		return
	}
	c.Vault.LeaseRenewalThreshold = standard
	c.warn(Diagnostic{
		Position: c.origins["vault.lease_renewal_threshold"].Position,
		Message:  "lease_renewal_threshold is a share, more than 0 and less than 1: 0.9 is used",
	})
}

// keepVaultSSL keeps vault.ssl on where a file turns it off. In consul-template
// a default of the command line hides that setting of the files; whether TLS is
// spoken depends on the scheme of the address.
func (c *Config) keepVaultSSL() {
	if at, ok := c.origins["vault.ssl.enabled"]; ok && !at.fromCommandLine() {
		c.Vault.SSL.Enabled = true
	}
}

// firstContent returns the content of a file without white space around it, ""
// where it cannot be read.
func firstContent(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
