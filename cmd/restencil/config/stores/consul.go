package stores

import (
	"errors"
	"slices"
	"strings"
	"time"

	"restencil/cmd/restencil/config/setting"
	"restencil/watch/consul"
)

// Consul is how to reach Consul, or the file to use instead.
type Consul struct {
	consul.Options
	Auth        bool   // Username and Password are used
	Retries     bool   // failed queries are retried
	Local       string // a data file in place of Consul, "" for none
	Deduplicate bool   // has no effect
	Files       string // see fingerprint
	Clusters    []*Cluster[Consul]
}

// Settings returns the block consul and the other settings about Consul.
func (c *Consul) Settings() []setting.Setting {
	block := setting.Setting{
		Key: "consul", To: &c.Address, Sets: []string{"consul.address"}, Deprecated: "consul { address = … }", Block: c.block(),
	}
	defaults := func() Consul { return Consul{Options: consul.DefaultOptions()} }
	return slices.Concat(
		setting.In("Without a server", setting.Setting{Key: "local", Block: []setting.Setting{
			{Key: "path", Flag: "local", Arg: "<path>", To: &c.Local,
				Help: "Answer the functions of Consul, and of Nomad without an address, from this YAML or JSON file, which is watched."},
		}}),
		setting.In("Consul", clusters(block, &c.Clusters, defaults, (*Consul).block), block),
		setting.In("Consul", []setting.Setting{
			{Key: "max_stale", Flag: "max-stale", To: &c.MaxStale,
				Help: "Take answers of any Consul server that are at most this old; 0 to ask the leader."},
			{Key: "block_query_wait", To: &c.BlockQueryWait,
				Help: "How long Consul may hold a request that waits for a change; 0 for Consul's own limit of 5m."},
			{Key: "err_on_failed_lookup", To: new(bool), WhenSet: true,
				Help: "Has no effect: a key or service that does not exist is waited for."},
			{Key: "deduplicate", WhenSet: true, Block: []setting.Setting{
				{Key: "enabled", Flag: "dedup", To: &c.Deduplicate, WhenSet: true,
					Help: "Has no effect, and is not needed: each instance asks Consul by itself, at little cost to its servers."},
				{Key: "prefix", To: new(string), WhenSet: true, Help: "Has no effect."},
				{Key: "ttl", To: new(time.Duration), WhenSet: true, Help: "Has no effect."},
				{Key: "max_stale", To: new(time.Duration), WhenSet: true, Help: "Has no effect."},
				{Key: "block_query_wait", To: new(time.Duration), WhenSet: true, Help: "Has no effect."},
			}},
		}...),
	)
}

// block returns the settings of a block consul.
func (c *Consul) block() []setting.Setting {
	return []setting.Setting{
		{Key: "address", Flag: "consul-addr", Arg: "<address>", To: &c.Address, Env: "CONSUL_HTTP_ADDR",
			Help: "Where Consul is: host:port, http://…, https://… or unix://…; 127.0.0.1:8500 if not given."},
		{Key: "namespace", To: &c.Namespace, Env: "CONSUL_NAMESPACE",
			Help: "The namespace of queries that name none (Consul Enterprise)."},
		{Key: "token", Flag: "consul-token", Arg: "<token>", To: &c.Token, Env: "CONSUL_TOKEN CONSUL_HTTP_TOKEN", Secret: true,
			Help: "The token to use with Consul."},
		{Key: "token_file", Flag: "consul-token-file", Arg: "<path>", To: &c.TokenFile, Env: "CONSUL_TOKEN_FILE CONSUL_HTTP_TOKEN_FILE",
			Help: "A file that holds the token to use with Consul."},
		{Flag: "consul-auth", To: setting.Text("<user[:password]>", "", c.setAuth, nil),
			Sets: []string{"auth.username", "auth.password"},
			Help: "Log in to Consul's HTTP interface with basic authentication."},
		{Key: "max_connections", Flag: "consul-max-connections", To: &c.MaxConnections,
			Help: "How many connections to Consul there may be; beyond that, queries share them. 0 for 128, and more for services and nodes if the agent allows more."},
		{Key: "max_reply_size", To: &c.MaxReply, Help: "How large a reply of Consul may be, in bytes."},
		{Key: "auth", Block: []setting.Setting{
			{Key: "enabled", To: &c.Auth,
				Help: "Log in with basic authentication. If not given, true with a username or password."},
			{Key: "username", To: &c.Username, Help: "The user of basic authentication."},
			{Key: "password", To: &c.Password, Secret: true, Help: "The password of basic authentication."},
		}},
		ssl("consul-ssl", &c.TLS, "false", nil),
		connections("consul-transport", &c.Transport),
		retry("consul-retry", &c.Retries, &c.Retry),
	}
}

func (c *Consul) setAuth(text string) error {
	if text == "" {
		return errors.New("auth: cannot be empty")
	}
	user, password, ok := strings.Cut(text, ":")
	c.Username = user
	if ok {
		c.Password = password
	}
	return nil
}

// Finish sets what is not set, and warns of what has no effect.
func (c *Consul) Finish(o *setting.Origins, warn func(at setting.Origin, message, hint string)) {
	if !o.IsSet("consul.auth.enabled") {
		c.Auth = c.Username != "" || c.Password != ""
	}
	finishTLS(&c.TLS, "consul.ssl", o)
	c.Files = fingerprint(append(c.TLS.Files(), c.TokenFile)...)
	if c.Deduplicate || o.IsSet("deduplicate") && !o.IsSet("deduplicate.enabled") {
		warn(o.Origin("deduplicate"), "-dedup and the block deduplicate have no effect, and are not needed",
			"each instance asks Consul by itself, at little cost to its servers")
	}
	for _, cluster := range c.Clusters {
		cluster.Of.NoEnvironment, cluster.Of.MaxStale, cluster.Of.BlockQueryWait = true, c.MaxStale, c.BlockQueryWait
		cluster.Of.Finish(cluster.Origins, warn)
	}
}

// Check validates the clusters.
func (c *Consul) Check() []error { return checkClusters("consul", c.Clusters) }
