package stores

import "fmt"

// SecretVariables are patterns of the environment variables that give access to the
// stores or to this process, and of CT_LOCAL_CONFIG, which may contain the same secrets.
func SecretVariables() []string {
	return []string{
		"CONSUL_*TOKEN*", "VAULT_*TOKEN*", "NOMAD_*TOKEN*",
		"VAULT_*SECRET*", "VAULT_*PASSWORD*", "VAULT_*JWT*", "VAULT_HEADERS",
		"CONSUL_HTTP_AUTH", "NOMAD_HTTP_AUTH", "CT_LOCAL_CONFIG", "RESTENCIL_STATUS_TOKEN",
	}
}

// Environ returns the environment variables of commands and templates that say how the
// stores are reached.
func Environ(c *Consul, v *Vault) []string {
	var env []string
	add := func(name, value string) {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	add("CONSUL_HTTP_ADDR", c.Address)
	if c.Auth {
		add("CONSUL_HTTP_AUTH", c.Username+":"+c.Password)
	}
	add("CONSUL_HTTP_TOKEN", c.Token)
	add("CONSUL_HTTP_TOKEN_FILE", c.TokenFile)
	add("CONSUL_HTTP_SSL", fmt.Sprint(c.TLS.Enabled))
	add("CONSUL_HTTP_SSL_VERIFY", fmt.Sprint(!c.TLS.SkipVerify))
	add("VAULT_ADDR", v.Address)
	if v.TLS.SkipVerify {
		add("VAULT_SKIP_VERIFY", "true")
	}
	add("VAULT_CLIENT_CERT", v.TLS.Cert)
	add("VAULT_CLIENT_KEY", v.TLS.Key)
	add("VAULT_CAPATH", v.TLS.CAPath)
	add("VAULT_CACERT", v.TLS.CACert)
	add("VAULT_CACERT_BYTES", v.TLS.CACertBytes)
	add("VAULT_TLS_SERVER_NAME", v.TLS.ServerName)
	return env
}
