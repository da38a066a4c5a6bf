package stores

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"restencil/cmd/restencil/config/setting"
	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/transport"
	"restencil/watch/vault/token"
)

// Stores are the systems that answer templates, each with its clusters.
type Stores struct {
	Consul Consul
	Vault  Vault
	Nomad  Nomad
}

// A Reach is how a store is reached.
type Reach struct {
	Options any    // of its source, without Notice and Log: consul.Options, vault.Options or nomad.Options
	Files   string // a fingerprint of those that the source reads once
	Local   string // the data file in place of the store, "" for none

	Attempts     int  // how often a query is retried, as in runner.Options
	RevokeOnExit bool // what the store issued is revoked at the end
}

// A Process is what the sources are to know of the process.
type Process struct {
	Once    bool
	Environ setting.Environment
}

// Reaches returns how the stores are reached: all clusters of all systems.
func Reaches(s *Stores, o *setting.Origins, p Process) map[watch.Store]Reach {
	all := make(map[watch.Store]Reach)
	for _, c := range append([]*Cluster[Consul]{{Origins: o, Of: &s.Consul}}, s.Consul.Clusters...) {
		all[watch.Consul.In(c.Name)] = s.consul(c, p)
	}
	for _, c := range append([]*Cluster[Vault]{{Origins: o, Of: &s.Vault}}, s.Vault.Clusters...) {
		all[watch.Vault.In(c.Name)] = s.vault(c, p)
	}
	for _, c := range append([]*Cluster[Nomad]{{Origins: o, Of: &s.Nomad}}, s.Nomad.Clusters...) {
		all[watch.Nomad.In(c.Name)] = s.nomad(c, p)
	}
	return all
}

// consul returns how a Consul is reached. A limited number of attempts is spaced as by
// consul-template.
func (s *Stores) consul(c *Cluster[Consul], p Process) Reach {
	o := c.Of.Options
	if !c.Of.Auth {
		o.Username, o.Password = "", ""
	}
	if p.Once {
		o.FirstPause = time.Second // most runs end before
	}
	limit(&o.Retry, c.Of.Retries, p.Once || c.Origins.IsSet("consul.retry.attempts"))
	return Reach{Options: o, Files: c.Of.Files, Local: s.Consul.Local, Attempts: o.Retry.Attempts}
}

// vault returns how a Vault is reached. The address of an agent overrides one from the
// environment (COMPAT 1.8).
func (s *Stores) vault(c *Cluster[Vault], p Process) Reach {
	v, o := c.Of, c.Of.Options
	if c.Origins.Origin("vault.address").Env != "" {
		o.Address = cmp.Or(p.Environ.Get("VAULT_AGENT_ADDR"), o.Address)
	}
	if !o.TLS.Enabled {
		// A flag has disabled it: then Vault's own variables apply (COMPAT 2.5.11).
		o.TLS = transport.TLS{}
	}
	if setting.IsCommand(o.Token.Command) {
		o.Token.CommandEnv = slices.Concat(p.Environ, Environ(&s.Consul, v)) // whatever other commands get
	} else {
		o.Token.Command, o.Token.CommandTimeout = nil, 0
	}
	if logins := v.logins(c.Origins); len(logins) > 0 {
		o.Token.Login = map[string]token.Login{appRoleLogin: v.AppRole, jwtLogin: v.JWT, certLogin: v.Cert}[logins[0]]
	} else if v.Kubernetes.Role != "" && v.Token.Text == "" && v.Token.File == "" { // COMPAT 4.12.1
		o.Token.Login = v.Kubernetes
	}
	limit(&o.Retry, v.Retries, p.Once || c.Origins.IsSet("vault.retry.attempts"))
	return Reach{Options: o, Files: v.Files, Attempts: o.Retry.Attempts, RevokeOnExit: v.RevokeOnExit}
}

// nomad returns how a Nomad is reached. The data file for Consul stands in for a Nomad
// without an address.
func (s *Stores) nomad(c *Cluster[Nomad], p Process) Reach {
	o := c.Of.Options
	o.MaxStale, o.BlockQueryWait = s.Consul.MaxStale, s.Consul.BlockQueryWait
	if p.Once {
		o.FirstPause = time.Second // most runs end before
	}
	if c.Name == "" && o.Username == "" && o.Password == "" {
		o.Username, o.Password, _ = strings.Cut(p.Environ.Get("NOMAD_HTTP_AUTH"), ":")
	}
	limit(&o.Retry, c.Of.Retries, p.Once || c.Origins.IsSet("nomad.retry.attempts"))
	r := Reach{Options: o, Files: c.Of.Files, Attempts: o.Retry.Attempts}
	if o.Address == "" {
		r.Local = s.Consul.Local
	}
	return r
}

// limit sets the Attempts of a store: -1 where nothing is retried, 0 where limited is false. A
// daemon has a limit only if it is set; Once has the default, too.
func limit(b *schedule.Backoff, retries, limited bool) {
	if !retries {
		b.Attempts = -1
	} else if !limited {
		b.Attempts = 0
	}
}
