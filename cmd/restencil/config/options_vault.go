package config

import (
	"restencil/watch"
	"restencil/watch/vault"
)

// VaultOptions returns how Vault is reached, but for Notice.
func (c *Config) VaultOptions() vault.Options {
	from := c.Vault
	opts := vault.DefaultOptions()
	opts.Address = c.vaultAddress()
	opts.Namespace = from.Namespace
	opts.UserAgent = from.ClientUserAgent
	opts.Token = c.vaultToken()
	opts.TLS = from.SSL.ofVault()
	opts.Transport = from.Transport.ofVault()
	opts.DefaultLease = from.DefaultLeaseDuration
	opts.Threshold = from.LeaseRenewalThreshold
	opts.Retry = watch.Backoff{Base: from.Retry.Backoff, Max: from.Retry.MaxBackoff}
	return opts
}

// vaultAddress returns where Vault is. VAULT_AGENT_ADDR wins over VAULT_ADDR
// (COMPAT 1.8), but not over what was written.
func (c *Config) vaultAddress() string {
	if c.origins["vault.address"].Env == "" {
		return c.Vault.Address
	}
	return either(c.environ.get("VAULT_AGENT_ADDR"), c.Vault.Address)
}

// ofVault returns how to use TLS. Switched off with a flag, it is what Vault's
// own variables say: whether it is used, the address decides (COMPAT 2.5.11).
func (s SSL) ofVault() vault.TLS {
	if !s.Enabled {
		return vault.TLS{}
	}
	return vault.TLS{
		SkipVerify:  !s.Verify,
		Cert:        s.Cert,
		Key:         s.Key,
		CACert:      s.CACert,
		CACertBytes: s.CACertBytes,
		CAPath:      s.CAPath,
		ServerName:  s.ServerName,
	}
}

func (t Transport) ofVault() vault.Transport {
	return vault.Transport{
		DialTimeout:         t.DialTimeout,
		DialKeepAlive:       t.DialKeepAlive,
		TLSHandshakeTimeout: t.TLSHandshakeTimeout,
		IdleConnTimeout:     t.IdleConnTimeout,
		DisableKeepAlives:   t.DisableKeepAlives,
		MaxIdleConns:        t.MaxIdleConns,
		MaxIdleConnsPerHost: t.MaxIdleConnsPerHost,
		MaxConnsPerHost:     t.MaxConnsPerHost,
	}
}

// vaultToken returns where the token comes from.
func (c *Config) vaultToken() vault.Token {
	from := c.Vault
	token := vault.Token{
		Text:   from.Token,
		File:   from.AgentTokenFile,
		Unwrap: from.UnwrapToken,
		Renew:  from.RenewToken,
	}
	if from.K8SAuthRoleName != "" && from.Token == "" && from.AgentTokenFile == "" {
		token.Login = vault.Login{
			Method:  vault.Kubernetes,
			Mount:   from.K8SServiceMountPath,
			Role:    from.K8SAuthRoleName,
			JWT:     from.K8SServiceAccountToken,
			JWTFile: from.K8SServiceAccountTokenPath,
		}
	}
	return token
}
