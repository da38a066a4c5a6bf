package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"restencil/cmd/restencil/config/setting"
	"restencil/runner"
	"restencil/runner/event"
	"restencil/watch"
)

// Runner returns the options of the runner, without Stdout, Stderr and Events. It reads
// the template files. An error is an [*Error] with ExitRunner and names every template
// that cannot be used.
func (c *Config) Runner() (runner.Options, error) {
	attempts := make(map[watch.Store]int)
	for store, r := range c.Reaches() {
		attempts[store] = r.Attempts
	}
	opts := runner.Options{
		Once:          c.Once,
		Preview:       runner.Preview{Dry: c.Dry},
		LookupEnv:     c.LookupEnv,
		ExitOnFailure: c.State.ExitOnFailure,
		State:         runner.State{Reconcile: c.State.Reconcile, KeepSecrets: c.State.HistorySecrets},
		Limits: runner.Limits{
			Attempts:    attempts,
			StoreDown:   c.State.OnStoreDown,
			OnceTimeout: c.OnceTimeout,
		},
	}
	if child := c.Exec.Child; setting.IsCommand(child.Args) {
		child.Env = c.environmentOf(c.Exec.Env)
		opts.Child = &child
	}
	for _, b := range c.Bundles {
		spec := c.runnerBundle(b.Name, &b.Change, c.verifies(b))
		spec.Rolling.Key = strings.Trim(spec.Rolling.Key, "/")
		spec.Rolling.Proceed = b.OnTimeout == "proceed"
		opts.Bundles = append(opts.Bundles, spec)
	}
	var errs []error
	for _, t := range c.Templates {
		to, err := c.runnerTemplate(t, "")
		errs = append(errs, err)
		opts.Templates = append(opts.Templates, to)
		if c.standsAlone(t) { // the template keeps its check and format
			alone := c.runnerBundle(t.File.Destination, &t.Change, t.Verify)
			alone.Check = runner.Command{}
			opts.Bundles = append(opts.Bundles, alone)
		}
	}
	for _, v := range c.Exec.Variables {
		t, err := c.runnerTemplate(&v.Template, v.Name)
		errs = append(errs, err)
		opts.Templates = append(opts.Templates, t)
	}
	return opts, failed(ExitRunner, errors.Join(errs...))
}

func (c *Config) runnerBundle(name string, change *Change, verify []*Verify) runner.Bundle {
	b := change.Bundle
	b.Name, b.Wait = name, change.Wait.runner(c)
	b.Check = c.runnerCommand(change.Check.Args, change.Check.Timeout, change.Exec.Env)
	b.Reload = c.runnerCommand(change.Exec.Args, change.Exec.Timeout, change.Exec.Env)
	for _, v := range verify {
		b.Verify = append(b.Verify, v.Probe)
	}
	return b
}

// runnerTemplate reads the source of a template and returns its options. The output goes
// into a file, or into the variable given.
func (c *Config) runnerTemplate(t *Template, variable string) (runner.Template, error) {
	name, content, err := t.read(&c.Files)
	if t.Source == "" && !c.ConsulTemplate {
		name = "contents for " + cmp.Or(t.File.Destination, variable, "no file")
	}
	if err == nil && t.File.Destination == "" && variable == "" && (!c.Dry || c.Diff) && !c.ParseOnly {
		err = &event.FileError{Template: name, Err: errors.New("missing destination: which file to write (or print it with -dry)")}
		if c.ConsulTemplate {
			err = &event.FileError{Template: name, Err: errors.New("failed writing file: missing destination"), ConsulTemplate: true}
		}
	}
	if err != nil && t.At.Line > 0 {
		err = fmt.Errorf("%s: %w", t.At, err)
	}
	if err != nil {
		return runner.Template{}, err
	}
	to := runner.Template{Options: t.Options, Member: t.File, Bundle: t.Bundle, Variable: variable}
	to.Name, to.Text = name, content
	to.Perm, to.DirPerm, to.SecretPerm = to.Perm.Perm(), to.DirPerm.Perm(), c.Defaults.SecretPerms
	to.Check = c.runnerCommand(t.Check.Args, t.Check.Timeout, t.Exec.Env)
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
		to.Bundle = t.File.Destination
	default:
		to.Guard = t.Guard
		to.Command, to.Wait = c.runnerCommand(t.Exec.Args, t.Exec.Timeout, t.Exec.Env), t.Wait.runner(c)
	}
	return to, nil
}

// standsAlone reports whether a template is a bundle by itself. With no more than a
// format, a check or a guard it is not if other templates have the same command: that
// must run once when all of them have changed.
func (c *Config) standsAlone(t *Template) bool {
	if !t.isBundle() {
		return false
	}
	if len(t.Verify) > 0 || t.Rollback || t.IsSet("exit_on_failure") || t.Guard.MaxRemoved > 0 || !setting.IsCommand(t.Exec.Args) {
		return true
	}
	return !slices.ContainsFunc(c.Templates, func(o *Template) bool {
		return o.Bundle == "" && !o.isBundle() && slices.Equal(o.Exec.Args, t.Exec.Args)
	})
}

func (c *Config) runnerCommand(args []string, timeout time.Duration, env Env) runner.Command {
	if !setting.IsCommand(args) {
		return runner.Command{}
	}
	return runner.Command{Args: args, Timeout: timeout, Env: c.environmentOf(env)}
}

// runner returns the wait, or the default if it is not enabled; none with Once.
func (w Wait) runner(whole *Config) runner.Wait {
	if !w.Enabled {
		w = whole.Defaults.Wait
	}
	if whole.Once || !w.Enabled {
		return runner.Wait{}
	}
	return runner.Wait{Min: w.Min, Max: w.Max}
}
