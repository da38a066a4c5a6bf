package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// finish gives values to what nobody wrote: first those of the environment,
// then those that follow from what was written.
func (c *Config) finish() {
	c.dropModes()
	c.fill(c.settings())
	c.LogLevel = strings.ToUpper(c.LogLevel)
	c.LogFormat = strings.ToLower(c.LogFormat)
	c.finishConsul()
	c.finishVault()
	c.finishNomad()
	c.finishSyslog()
	c.finishDeduplicate()
	c.finishExec()
	c.Wait.finish(c.isSet)
	if c.Once {
		c.Wait = Wait{}
	}
	for i := range c.Templates {
		c.finishTemplate(&c.Templates[i])
	}
	for i := range c.Bundles {
		c.finishBundle(&c.Bundles[i])
	}
	c.warnWaits()
	c.warnBundles()
	c.warnDeduplicate()
	c.warnSharedDestinations()
}

// dropModes takes back parseonly where a file asks for it: consul-template
// accepts that and ignores it. once, which its documentation promises, is kept
// (COMPAT Q9).
func (c *Config) dropModes() {
	at, ok := c.origins["parseonly"]
	if c.ParseOnly && ok && !at.fromCommandLine() {
		c.ParseOnly = false
		delete(c.origins, "parseonly")
		c.warn(Diagnostic{Position: at.Position, Message: "parseonly has no effect in a file", Hint: "use the flag -parse-only"})
	}
	if at, ok := c.origins["once"]; c.Once && ok && !at.fromCommandLine() {
		c.warn(Diagnostic{Position: at.Position, Message: "once is in effect here; consul-template ignores it in a file"})
	}
}

func (c *Config) finishConsul() {
	if !c.isSet("consul.auth.enabled") {
		c.Consul.Auth.Enabled = c.Consul.Auth.Username != "" || c.Consul.Auth.Password != ""
	}
	if !c.isSet("consul.ssl.enabled") {
		c.Consul.SSL.Enabled = c.Consul.SSL.used(c.isSet("consul.ssl.verify"))
	}
}

func (c *Config) finishNomad() {
	if !c.isSet("nomad.enabled") {
		c.Nomad.Enabled = c.Nomad.Address != ""
	}
	if !c.isSet("nomad.ssl.enabled") {
		c.Nomad.SSL.Enabled = c.Nomad.SSL.used(c.isSet("nomad.ssl.verify"))
	}
}

// used reports whether anything about TLS was written.
func (s SSL) used(verify bool) bool {
	return verify || s.Cert != "" || s.Key != "" || s.CACert != "" || s.CACertBytes != "" ||
		s.CAPath != "" || s.ServerName != ""
}

func (c *Config) finishSyslog() {
	if !c.isSet("syslog.enabled") {
		c.Syslog.Enabled = c.isSet("syslog.facility") && c.Syslog.Facility != "" ||
			c.isSet("syslog.name") && c.Syslog.Name != ""
	}
}

func (c *Config) finishDeduplicate() {
	d := &c.Deduplicate
	if c.isSet("deduplicate.enabled") {
		return
	}
	written := func(key string, v time.Duration) bool { return c.isSet("deduplicate."+key) && v != 0 }
	d.Enabled = written("max_stale", d.MaxStale) || written("ttl", d.TTL) ||
		written("block_query_wait", d.BlockQueryWait) || c.isSet("deduplicate.prefix") && d.Prefix != ""
}

func (c *Config) finishExec() {
	some := !emptyCommand(c.Exec.Command)
	if at, written := c.origins["exec.enabled"]; !written {
		c.Exec.Enabled = some
	} else if some && !c.Exec.Enabled {
		c.warn(Diagnostic{Position: at.Position, Message: "exec.enabled = false has no effect: the command is run, as by consul-template"})
	}
}

// emptyCommand reports whether there is nothing to run.
func emptyCommand(command []string) bool { return len(command) == 0 || command[0] == "" }

// finish switches a wait on that has a min, and finds its max.
func (w *Wait) finish(isSet func(string) bool) {
	if !isSet("wait.bool") {
		w.Enabled = w.Min != 0
	}
	if !isSet("wait.max") {
		w.Max = 4 * w.Min
	}
}

// finishTemplate settles what a template has in two spellings, and what it
// takes from the whole.
func (c *Config) finishTemplate(t *Template) {
	if !t.isSet("user") && t.isSet("uid") {
		t.User = strconv.Itoa(t.UID)
	}
	if !t.isSet("group") && t.isSet("gid") {
		t.Group = strconv.Itoa(t.GID)
	}
	if !t.isSet("exec.command") {
		t.Exec.Command = slices.Clone(t.Command)
	}
	if !t.isSet("exec.timeout") {
		t.Exec.Timeout = t.CommandTimeout
	}
	if !t.isSet("exec.enabled") {
		t.Exec.Enabled = !emptyCommand(t.Exec.Command)
	}
	at, written := c.origins["template_error_fatal"]
	if written && (!t.isSet("error_fatal") || at.fromCommandLine()) {
		t.ErrorFatal = c.TemplateErrorFatal
		t.origins["error_fatal"] = at
	}
	if !t.isSet("rollback") {
		t.Rollback = len(t.Verify) > 0
	}
	if !t.isSet("exit_on_failure") {
		t.ExitOnFailure = c.ExitOnFailure
	}
	t.Wait.finish(t.isSet)
}

// finishBundle does the same for a bundle.
func (c *Config) finishBundle(b *Bundle) {
	if !b.isSet("exec.command") {
		b.Exec.Command = slices.Clone(b.Command)
		if b.isSet("reload") {
			b.Exec.Command = slices.Clone(b.Reload)
		}
	}
	if !b.isSet("exec.timeout") {
		b.Exec.Timeout = b.CommandTimeout
	}
	if !b.isSet("exec.enabled") {
		b.Exec.Enabled = !emptyCommand(b.Exec.Command)
	}
	if !b.isSet("rollback") {
		b.Rollback = len(c.verifies(b)) > 0
	}
	if !b.isSet("exit_on_failure") {
		b.ExitOnFailure = c.ExitOnFailure
	}
	b.Wait.finish(b.isSet)
}
