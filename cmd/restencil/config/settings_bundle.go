package config

import (
	"slices"
	"time"
)

// bundleSettings are the settings of the whole that are about what a change
// is and what is remembered of it.
func (c *Config) bundleSettings() []setting {
	return in(groupBundles,
		setting{key: "state_dir", flag: "state-dir", arg: "<path>", value: text(&c.StateDir, ""),
			help: "Where to remember what was applied; none for nowhere. Without it, restencil's directory among those where the system keeps the state of programs."},
		setting{key: "history", flag: "history", value: integer(&c.History, 5),
			help: "How many generations of a bundle's files to keep."},
		setting{key: "history_secrets", flag: "history-secrets", value: boolean(&c.HistorySecrets, false),
			help: "Keep files with secrets in that history, too."},
		setting{key: "reconcile", flag: "reconcile", value: duration(&c.Reconcile, 0),
			help: "Look this often whether somebody else has changed or removed a file, and put it right; 0 for never."},
		setting{key: "exit_on_failure", flag: "exit-on-failure", value: boolean(&c.ExitOnFailure, false),
			help: "End with exit code 14 when a command fails, instead of trying again. Bundles and templates may say otherwise."},
		setting{key: "on_store_down", flag: "on-store-down", value: storeDown(&c.OnStoreDown),
			help: `What to do while a store is away: "stay" with the last good files, or "exit after" a time such as 10m.`},
		setting{key: "cache", flag: "cache", value: boolean(&c.Cache, false),
			help: "Keep the last answers of Consul on disk, to render from them after a restart while it is away."},
	)
}

// settings returns the settings of a bundle block. They keep their values in
// b.
func (b *Bundle) settings() []setting {
	return slices.Concat(
		[]setting{
			{key: "check", value: command(&b.Check)},
			{key: "check_timeout", value: duration(&b.CheckTimeout, commandTimeout)},
			{key: "command", value: command(&b.Command)},
			{key: "reload", value: command(&b.Reload), whenSet: true},
			{key: "command_timeout", value: duration(&b.CommandTimeout, commandTimeout)},
			{key: "rollback", value: boolean(&b.Rollback, false), whenSet: true},
			{key: "exit_on_failure", value: boolean(&b.ExitOnFailure, false), whenSet: true},
			{key: "min_interval", value: duration(&b.MinInterval, 0)},
			{key: "wait", value: waitText{&b.Wait}, sets: []string{"wait.min", "wait.max"}, shorthand: true},
		},
		under("wait", "", waitSettings(&b.Wait)),
		under("guard", "", guardSettings(&b.Guard)),
		under("retry", "", []setting{
			{key: "backoff", value: duration(&b.Retry.Backoff, 0)},
			{key: "max_backoff", value: duration(&b.Retry.MaxBackoff, 0)},
		}),
		under("exec", "", execSettings(&b.Exec, commandTimeout)),
	)
}

// guardSettings are the settings of a guard block.
func guardSettings(g *Guard) []setting {
	return []setting{
		{key: "not_empty", value: boolean(&g.NotEmpty, false)},
		{key: "min_bytes", value: integer(&g.MinBytes, 0)},
		{key: "max_shrink", value: share(&g.MaxShrink)},
		{key: "min_instances", value: counts(&g.MinInstances)},
	}
}

// settings returns the settings of a verify block. They keep their values in
// v.
func (v *Verify) settings() []setting {
	return []setting{
		{key: "command", value: command(&v.Command)},
		{key: "http", value: text(&v.HTTP, "")},
		{key: "tcp", value: text(&v.TCP, "")},
		{key: "host", value: text(&v.Host, "")},
		{key: "status", value: integer(&v.Status, 0)},
		{key: "skip_verify", value: boolean(&v.SkipVerify, false)},
		{key: "for", value: duration(&v.For, 0)},
		{key: "within", value: duration(&v.Within, 10*time.Second)},
		{key: "interval", value: duration(&v.Interval, 250*time.Millisecond)},
		{key: "timeout", value: duration(&v.Timeout, 5*time.Second)},
	}
}

// newBundle returns a bundle with every setting at its default.
func newBundle(name string, at Origin) *Bundle {
	b := &Bundle{Name: name, At: at, origins: make(map[string]Origin)}
	reset(b.settings())
	return b
}

// newVerify returns a verify block with every setting at its default.
func newVerify(at Origin) *Verify {
	v := &Verify{At: at, origins: make(map[string]Origin)}
	reset(v.settings())
	return v
}
