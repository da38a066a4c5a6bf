package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"restencil/cmd/restencil/config/setting"
	"restencil/runner"
	"restencil/runner/format"
	"restencil/runner/process"
	"restencil/watch"
)

// Runner returns what the runner needs, but for Stdout, Stderr and Events. It
// reads the template files. An error is an [*Error] with ExitRunner and names
// every template that cannot be used.
func (c *Config) Runner() (runner.Options, error) {
	opts := runner.Options{
		Once:          c.Once,
		Dry:           c.Dry,
		LookupEnv:     c.LookupEnv,
		ExitOnFailure: c.State.ExitOnFailure,
		State:         runner.State{Reconcile: c.State.Reconcile, KeepSecrets: c.State.HistorySecrets},
		Limits: runner.Limits{
			Attempts: map[watch.Store]int{
				watch.Consul: c.attempts(watch.Consul),
				watch.Vault:  c.attempts(watch.Vault),
			},
			StoreDown:   c.State.OnStoreDown,
			OnceTimeout: c.OnceTimeout,
		},
	}
	if e := c.Exec; setting.IsCommand(e.Command) {
		opts.Child = &runner.Child{
			Args:         e.Command,
			Env:          c.environmentOf(e.Env),
			KillSignal:   e.KillSignal,
			KillTimeout:  e.KillTimeout,
			ReloadSignal: e.ReloadSignal,
			Splay:        e.Splay,
			Restart: map[string]process.RestartPolicy{
				"never":      process.RestartNever,
				"on-failure": process.RestartOnFailure,
				"always":     process.RestartAlways,
			}[e.Restart],
		}
	}
	for i := range c.Bundles {
		b := &c.Bundles[i]
		bundle := c.runnerBundle(b.Name, &b.Change, c.verifies(b))
		bundle.Check = c.runnerCommand(b.Check, b.CheckTimeout, b.Exec.Env)
		bundle.MinInterval, bundle.Retry = b.MinInterval, b.Retry
		opts.Bundles = append(opts.Bundles, bundle)
	}
	var errs []error
	for i := range c.Templates {
		t, err := c.runnerTemplate(&c.Templates[i])
		errs = append(errs, err)
		opts.Templates = append(opts.Templates, t)
		if t := &c.Templates[i]; c.standsAlone(t) { // which keeps its check and format
			opts.Bundles = append(opts.Bundles, c.runnerBundle(t.Destination, &t.Change, t.Verify))
		}
	}
	return opts, failed(ExitRunner, errors.Join(errs...))
}

func (c *Config) runnerBundle(name string, change *Change, verify []Verify) runner.Bundle {
	b := runner.Bundle{
		Name:          name,
		Reload:        c.runnerCommand(change.Exec.Command, change.Exec.Timeout, change.Exec.Env),
		Rollback:      change.Rollback,
		Wait:          change.Wait.runner(c),
		Guard:         change.Guard,
		ExitOnFailure: change.ExitOnFailure,
	}
	for _, v := range verify {
		b.Verify = append(b.Verify, v.Probe)
	}
	return b
}

// runnerTemplate reads a template's source and returns it as the runner has it.
func (c *Config) runnerTemplate(t *Template) (runner.Template, error) {
	name, content, err := t.read()
	if err == nil && t.Destination == "" && !c.Dry && !c.ParseOnly {
		err = fmt.Errorf("error rendering %q => %q: failed writing file: missing destination (-dry prints it)", name, "")
	}
	if err != nil && t.At.Line > 0 {
		err = fmt.Errorf("%s: %w", t.At, err)
	}
	if err != nil {
		return runner.Template{}, err
	}
	to := runner.Template{
		Options: t.Options,
		Member: runner.Member{
			Destination: t.Destination,
			Perm:        t.Perms.Perm(),
			DirPerm:     t.DirPerms.Perm(),
			SecretPerm:  c.Defaults.SecretPerms,
			User:        t.User,
			Group:       t.Group,
			NoParents:   t.NoParents,
			Backup:      t.Backup,
			Format:      format.Format(t.Format),
			Check:       c.runnerCommand(t.Check, t.CheckTimeout, t.Exec.Env),
		},
		Bundle: t.Bundle,
	}
	to.Name, to.Text = name, content
	to.LeftDelim = cmp.Or(to.LeftDelim, c.Defaults.LeftDelim)
	to.RightDelim = cmp.Or(to.RightDelim, c.Defaults.RightDelim)
	if !t.IsSet("error_on_missing_key") {
		to.ErrorOnMissingKey = c.Defaults.ErrorOnMissingKey
	}
	if t.IsSet("error_fatal") {
		to.OnError = runner.ErrorTolerated
		if t.ErrorFatal {
			to.OnError = runner.ErrorFatal
		}
	}
	switch {
	case t.Bundle != "":
		to.Guard = t.Guard
	case c.standsAlone(t):
		to.Bundle = t.Destination
	default:
		to.Guard = t.Guard
		to.Command, to.Wait = c.runnerCommand(t.Exec.Command, t.Exec.Timeout, t.Exec.Env), t.Wait.runner(c)
	}
	return to, nil
}

// standsAlone reports whether a template is a bundle by itself. One that has no
// more than a format, a check or a guard is not where others have the same
// command: a change of them all runs that once, when all are in place.
func (c *Config) standsAlone(t *Template) bool {
	if !t.isBundle() {
		return false
	}
	if len(t.Verify) > 0 || t.Rollback || t.IsSet("exit_on_failure") || !setting.IsCommand(t.Exec.Command) {
		return true
	}
	return !slices.ContainsFunc(c.Templates, func(o Template) bool {
		return o.Bundle == "" && !o.isBundle() && slices.Equal(o.Exec.Command, t.Exec.Command)
	})
}

func (c *Config) runnerCommand(args []string, timeout time.Duration, env Env) runner.Command {
	if !setting.IsCommand(args) {
		return runner.Command{}
	}
	return runner.Command{Args: args, Timeout: timeout, Env: c.environmentOf(env)}
}

// runner returns the wait of a template or bundle, else that of the whole, and
// none with Once.
func (w Wait) runner(whole *Config) runner.Wait {
	if !w.Enabled {
		w = whole.Defaults.Wait
	}
	if whole.Once || !w.Enabled {
		return runner.Wait{}
	}
	return runner.Wait{Min: w.Min, Max: w.Max}
}
