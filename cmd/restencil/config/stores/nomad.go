package stores

import (
	"restencil/cmd/restencil/config/setting"
	"restencil/watch/nomad"
)

// Nomad is how to reach Nomad.
type Nomad struct {
	nomad.Options
	Enabled  bool   // has no effect
	Retries  bool   // failed queries are retried
	Files    string // see fingerprint
	Clusters []*Cluster[Nomad]
}

// Settings returns the blocks nomad.
func (n *Nomad) Settings() []setting.Setting {
	block := setting.Setting{Key: "nomad", Block: n.block()}
	defaults := func() Nomad { return Nomad{Options: nomad.DefaultOptions()} }
	return setting.In("Nomad", clusters(block, &n.Clusters, defaults, (*Nomad).block), block)
}

// block returns the settings of a block nomad.
func (n *Nomad) block() []setting.Setting {
	return []setting.Setting{
		{Key: "address", Flag: "nomad-addr", Arg: "<address>", To: &n.Address, Env: "NOMAD_ADDR",
			Help: "Where Nomad is: http://…, https://… or unix://…; http://127.0.0.1:4646 if not given."},
		{Key: "enabled", To: &n.Enabled, WhenSet: true, Help: "Has no effect."},
		{Key: "namespace", To: &n.Namespace, Env: "NOMAD_NAMESPACE", Help: "The namespace of queries that name none."},
		{Key: "region", To: &n.Region, Env: "NOMAD_REGION", Help: "The region of queries that name none."},
		{Key: "token", Flag: "nomad-token", Arg: "<token>", To: &n.Token, Env: "NOMAD_TOKEN", Secret: true,
			Help: "The token to use with Nomad."},
		{Key: "auth_username", To: &n.Username, Help: "The user of basic authentication."},
		{Key: "auth_password", To: &n.Password, Secret: true, Help: "The password of basic authentication."},
		{Key: "max_connections", To: &n.MaxConnections,
			Help: "How many connections to Nomad there may be; beyond that, queries are read again and again."},
		{Key: "max_reply_size", To: &n.MaxReply, Help: "How large a reply of Nomad may be, in bytes."},
		ssl("", &n.TLS, "false", map[string]string{
			"cert": "NOMAD_CLIENT_CERT", "key": "NOMAD_CLIENT_KEY", "ca_cert": "NOMAD_CACERT", "ca_path": "NOMAD_CAPATH",
			"server_name": "NOMAD_TLS_SERVER_NAME", "verify": "!NOMAD_SKIP_VERIFY",
		}),
		connections("", &n.Transport),
		retry("", &n.Retries, &n.Retry),
	}
}

// Finish sets what is not set.
func (n *Nomad) Finish(o *setting.Origins) {
	finishTLS(&n.TLS, "nomad.ssl", o)
	n.Files = fingerprint(n.TLS.Files()...)
	for _, cluster := range n.Clusters {
		cluster.Of.Finish(cluster.Origins)
	}
}

// Check validates the clusters.
func (n *Nomad) Check() []error { return checkClusters("nomad", n.Clusters) }
