package stores

import (
	"time"

	"restencil/cmd/restencil/config/setting"
	"restencil/watch/schedule"
	"restencil/watch/transport"
)

// Nomad is how to reach Nomad. There is no source for it yet.
type Nomad struct {
	Address      string
	Enabled      bool
	Namespace    string
	Token        string
	AuthUsername string
	AuthPassword string
	TLS          transport.TLS
	Transport    transport.Options
	Attempts     Retry
	Retry        schedule.Backoff
}

// NewNomad returns the defaults that are not in Settings.
func NewNomad() Nomad {
	return Nomad{Transport: transport.Defaults(), Retry: schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Minute}}
}

// Settings returns the block nomad.
func (n *Nomad) Settings() []setting.Setting {
	return []setting.Setting{{Key: "nomad", Block: []setting.Setting{
		{Key: "address", To: &n.Address, Env: "NOMAD_ADDR",
			Help: "Where Nomad is, with its scheme; http://127.0.0.1:4646 if not given."},
		{Key: "enabled", To: &n.Enabled, Help: "Has no effect."},
		{Key: "namespace", To: &n.Namespace, Env: "NOMAD_NAMESPACE", Help: "The namespace of queries that name none."},
		{Key: "token", To: &n.Token, Env: "NOMAD_TOKEN", Secret: true, Help: "The token to use with Nomad."},
		{Key: "auth_username", To: &n.AuthUsername, Help: "The user of basic authentication."},
		{Key: "auth_password", To: &n.AuthPassword, Secret: true, Help: "The password of basic authentication."},
		ssl("", &n.TLS, "false", nil),
		connections("", &n.Transport),
		retry("", &n.Attempts, &n.Retry),
	}}}
}

// Finish sets what is not set.
func (n *Nomad) Finish(o *setting.Origins) {
	if !o.IsSet("nomad.enabled") {
		n.Enabled = n.Address != ""
	}
	finishTLS(&n.TLS, "nomad.ssl", o)
}
