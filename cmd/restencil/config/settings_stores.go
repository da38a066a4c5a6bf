package config

import (
	"slices"
	"time"
)

func (c *Config) consulSettings() []setting {
	consul := &c.Consul
	return slices.Concat(
		in(groupConsul,
			setting{key: "consul", value: text(&consul.Address, ""), sets: []string{"consul.address"}, shorthand: true,
				deprecated: "consul { address = … }"},
			setting{key: "consul.address", flag: "consul-addr", alias: "consul", arg: "<address>", value: text(&consul.Address, ""), env: "CONSUL_HTTP_ADDR",
				help: "Where Consul is: host:port, http://…, https://… or unix://…; 127.0.0.1:8500 if not given."},
			setting{key: "consul.namespace", value: text(&consul.Namespace, ""), env: "CONSUL_NAMESPACE"},
			setting{key: "consul.token", flag: "consul-token", arg: "<token>", value: text(&consul.Token, ""), env: "CONSUL_TOKEN CONSUL_HTTP_TOKEN", secret: true,
				help: "The token to use with Consul."},
			setting{key: "consul.token_file", flag: "consul-token-file", arg: "<path>", value: text(&consul.TokenFile, ""), env: "CONSUL_TOKEN_FILE CONSUL_HTTP_TOKEN_FILE",
				help: "A file that holds the token to use with Consul."},
			setting{flag: "consul-auth", value: authText{to: &consul.Auth}, sets: []string{"consul.auth.username", "consul.auth.password"}, secret: true,
				help: "Log in to Consul's HTTP interface with basic authentication."},
			setting{key: "consul.max_connections", flag: "consul-max-connections", value: integer(&consul.MaxConnections, 128),
				help: "How many connections to Consul there may be; beyond that, queries share them."},
			setting{key: "consul.auth.enabled", value: boolean(&consul.Auth.Enabled, false)},
			setting{key: "consul.auth.username", value: text(&consul.Auth.Username, "")},
			setting{key: "consul.auth.password", value: text(&consul.Auth.Password, ""), secret: true},
		),
		in(groupConsul, under("consul.ssl", "consul-ssl", sslSettings(&consul.SSL, false))...),
		in(groupTransport, under("consul.transport", "consul-transport", transportSettings(&consul.Transport))...),
		in(groupTransport, under("consul.retry", "consul-retry", retrySettings(&consul.Retry))...),
		in(groupTransport,
			setting{key: "max_stale", flag: "max-stale", value: duration(&c.MaxStale, 2*time.Second),
				help: "Take answers of any Consul server that are at most this old; 0 to ask the leader."},
			setting{key: "block_query_wait", value: duration(&c.BlockQueryWait, time.Minute)},
			setting{flag: "retry", value: duration(&consul.Retry.Backoff, 250*time.Millisecond), sets: []string{"consul.retry.backoff"},
				help: "The old spelling of -consul-retry-backoff."},
			setting{key: "err_on_failed_lookup", value: anyTrue(&c.ErrOnFailedLookup)},
			setting{key: "deduplicate.enabled", flag: "dedup", value: boolean(&c.Deduplicate.Enabled, false),
				help: "Render templates that many share once, and pass the result on through Consul."},
			setting{key: "deduplicate.prefix", value: text(&c.Deduplicate.Prefix, "consul-template/dedup/")},
			setting{key: "deduplicate.ttl", value: duration(&c.Deduplicate.TTL, 15*time.Second)},
			setting{key: "deduplicate.max_stale", value: duration(&c.Deduplicate.MaxStale, 2*time.Second)},
			setting{key: "deduplicate.block_query_wait", value: duration(&c.Deduplicate.BlockQueryWait, time.Minute)},
		),
	)
}

func (c *Config) nomadSettings() []setting {
	nomad := &c.Nomad
	return in(groupNomad, slices.Concat(
		[]setting{
			{key: "nomad.address", value: text(&nomad.Address, ""), env: "NOMAD_ADDR"},
			{key: "nomad.enabled", value: boolean(&nomad.Enabled, false)},
			{key: "nomad.namespace", value: text(&nomad.Namespace, ""), env: "NOMAD_NAMESPACE"},
			{key: "nomad.token", value: text(&nomad.Token, ""), env: "NOMAD_TOKEN", secret: true},
			{key: "nomad.auth_username", value: text(&nomad.AuthUsername, "")},
			{key: "nomad.auth_password", value: text(&nomad.AuthPassword, ""), secret: true},
		},
		under("nomad.ssl", "", sslSettings(&nomad.SSL, false)),
		under("nomad.transport", "", transportSettings(&nomad.Transport)),
		under("nomad.retry", "", retrySettings(&nomad.Retry)),
	)...)
}

// sslSettings are the settings of an ssl block. Where it is not on by default,
// writing any of the others turns it on.
func sslSettings(s *SSL, enabled bool) []setting {
	return []setting{
		{key: "enabled", flag: flagOfBlock, value: boolean(&s.Enabled, enabled),
			help: "Use TLS."},
		{key: "verify", flag: "-verify", value: boolean(&s.Verify, true),
			help: "Check the server's certificate."},
		{key: "cert", flag: "-cert", arg: "<path>", value: text(&s.Cert, ""),
			help: "The client certificate, a PEM file; with the key in it where there is none besides."},
		{key: "key", flag: "-key", arg: "<path>", value: text(&s.Key, ""),
			help: "The key of the client certificate, a PEM file."},
		{key: "ca_cert", flag: "-ca-cert", arg: "<path>", value: text(&s.CACert, ""),
			help: "The authorities to trust, a PEM file."},
		{key: "ca_cert_bytes", value: text(&s.CACertBytes, "")},
		{key: "ca_path", flag: "-ca-path", arg: "<path>", value: text(&s.CAPath, ""),
			help: "The authorities to trust, a directory of PEM files."},
		{key: "server_name", flag: "-server-name", arg: "<name>", value: text(&s.ServerName, ""),
			help: "The name that the server's certificate must bear."},
	}
}

// retrySettings are the settings of a retry block.
func retrySettings(r *Retry) []setting {
	return []setting{
		{key: "enabled", flag: flagOfBlock, value: boolean(&r.Enabled, true),
			help: "Try again when the store fails."},
		{key: "attempts", flag: "-attempts", value: integer(&r.Attempts, 12),
			help: "How often to try; 0 for ever. Without it a daemon never gives up, and -once does at 12."},
		{key: "backoff", flag: "-backoff", value: duration(&r.Backoff, 250*time.Millisecond),
			help: "How long to wait after the first failure; doubled after each."},
		{key: "max_backoff", flag: "-max-backoff", value: duration(&r.MaxBackoff, time.Minute),
			help: "How long to wait at most; 0 for no limit."},
	}
}

// transportSettings are the settings of a transport block.
func transportSettings(t *Transport) []setting {
	return []setting{
		{key: "dial_keep_alive", flag: "-dial-keep-alive", value: duration(&t.DialKeepAlive, 30*time.Second),
			help: "The time between keep-alive probes."},
		{key: "dial_timeout", flag: "-dial-timeout", value: duration(&t.DialTimeout, 30*time.Second),
			help: "How long connecting may take."},
		{key: "disable_keep_alives", flag: "-disable-keep-alives", value: boolean(&t.DisableKeepAlives, false),
			help: "Use every connection once."},
		{key: "idle_conn_timeout", value: duration(&t.IdleConnTimeout, 5*time.Second)},
		{key: "max_idle_conns", value: integer(&t.MaxIdleConns, 0)},
		{key: "max_idle_conns_per_host", flag: "-max-idle-conns-per-host", value: integer(&t.MaxIdleConnsPerHost, 100),
			help: "How many idle connections to keep."},
		{key: "max_conns_per_host", value: integer(&t.MaxConnsPerHost, 0)},
		{key: "tls_handshake_timeout", flag: "-tls-handshake-timeout", value: duration(&t.TLSHandshakeTimeout, 10*time.Second),
			help: "How long the TLS handshake may take."},
	}
}

// withEnv gives settings the environment variables named for their keys.
func withEnv(settings []setting, env map[string]string) []setting {
	for i := range settings {
		settings[i].env = env[settings[i].key]
	}
	return settings
}
