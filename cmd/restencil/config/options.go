package config

import (
	"errors"
	"fmt"
	"os"
	"time"

	"restencil/runner"
	"restencil/runner/format"
	"restencil/template"
	"restencil/watch"
	"restencil/watch/consul"
)

// Runner returns what the runner needs, but for Stdout, Stderr and Events. It
// reads the template files. An error is an [*Error] with ExitRunner and names
// every template that cannot be used.
func (c *Config) Runner() (runner.Options, error) {
	opts := runner.Options{
		Once: c.Once,
		Dry:  c.Dry,
		Attempts: map[watch.Store]int{
			watch.Consul: c.attempts("consul", c.Consul.Retry),
			watch.Vault:  c.attempts("vault", c.Vault.Retry),
		},
		LookupEnv:   c.LookupEnv,
		Child:       c.runnerChild(),
		Bundles:     c.runnerBundles(),
		Reconcile:   c.Reconcile,
		KeepSecrets: c.HistorySecrets,
		SecretPerms: c.SecretPerms,

		ExitOnFailure: c.ExitOnFailure,
		StoreDown:     c.OnStoreDown,
	}
	var errs []error
	for i := range c.Templates {
		t, err := c.runnerTemplate(&c.Templates[i])
		errs = append(errs, err)
		opts.Templates = append(opts.Templates, t)
	}
	return opts, failed(ExitRunner, errors.Join(errs...))
}

// Sources returns the files that templates are read from.
func (c *Config) Sources() []string {
	var paths []string
	for i := range c.Templates {
		if source := c.Templates[i].Source; source != "" {
			paths = append(paths, source)
		}
	}
	return paths
}

// attempts returns how often a failed query of a store is tried again, as
// runner.Options.Attempts has it. A daemon has no bound but where one is
// written; with Once the default counts too.
func (c *Config) attempts(store string, r Retry) int {
	_, written := c.Origin(store + ".retry.attempts")
	switch {
	case !r.Enabled:
		return -1
	case written || c.Once:
		return r.Attempts
	}
	return 0
}

// runnerTemplate reads a template's source and returns it as the runner has it.
func (c *Config) runnerTemplate(t *Template) (runner.Template, error) {
	name, content, err := t.read()
	if err != nil {
		return runner.Template{}, t.blame(err)
	}
	if t.Destination == "" && !c.Dry && !c.ParseOnly {
		return runner.Template{}, t.blame(fmt.Errorf("error rendering %q => %q: failed writing file: missing destination (-dry prints it)", name, ""))
	}
	to := runner.Template{
		Options: template.Options{
			Name:              name,
			Text:              content,
			LeftDelim:         either(t.LeftDelimiter, c.Delimiters.Left),
			RightDelim:        either(t.RightDelimiter, c.Delimiters.Right),
			ErrorOnMissingKey: t.ErrorOnMissingKey,
			FunctionDenylist:  t.FunctionDenylist,
			SandboxPath:       t.SandboxPath,
		},
		Destination: t.Destination,
		Perm:        t.Perms.Perm(),
		DirPerm:     t.DirPerms.Perm(),
		User:        t.User,
		Group:       t.Group,
		NoParents:   !t.CreateDestDirs,
		Backup:      t.Backup,
		OnError:     t.errorPolicy(),
		Bundle:      t.Bundle,
		Format:      format.Format(t.Format),
		Check:       c.runnerCommand(&Exec{Command: t.Check, Timeout: t.CheckTimeout, Env: t.Exec.Env}),
	}
	switch {
	case t.Bundle != "":
		to.Guard = t.Guard.rules()
	case t.isBundle():
		to.Bundle = t.Destination
	default:
		to.Command, to.Wait = c.runnerCommand(&t.Exec), c.runnerWait(t.Wait)
	}
	return to, nil
}

// blame puts the place of a template that was written in a file before err.
func (t *Template) blame(err error) error {
	if t.At.Line > 0 {
		return fmt.Errorf("%s: %w", t.At, err)
	}
	return err
}

// read returns the text of a template and how it is called.
func (t *Template) read() (name, content string, err error) {
	switch {
	case t.Source != "" && t.Contents != "":
		return "", "", errors.New("template: cannot specify both 'source' and 'contents'")
	case t.Contents != "":
		return "(dynamic)", t.Contents, nil
	case t.Source == "":
		return "", "", errors.New("template: must specify exactly one of 'source' or 'contents'")
	}
	text, err := os.ReadFile(t.Source)
	if err != nil {
		return "", "", fmt.Errorf("failed to read template: %w", err)
	}
	return t.Source, string(text), nil
}

func (c *Config) runnerCommand(e *Exec) runner.Command {
	if emptyCommand(e.Command) {
		return runner.Command{}
	}
	return runner.Command{
		Args:    e.Command,
		Timeout: e.Timeout,
		Env:     c.environmentOf(e.Env),
	}
}

// runnerChild returns the program to run beside the templates, nil for none.
func (c *Config) runnerChild() *runner.Child {
	e := c.Exec
	if emptyCommand(e.Command) {
		return nil
	}
	return &runner.Child{
		Args:         e.Command,
		Env:          c.environmentOf(e.Env),
		KillSignal:   e.KillSignal,
		KillTimeout:  e.KillTimeout,
		ReloadSignal: e.ReloadSignal,
		Splay:        e.Splay,
		Restart: map[string]runner.RestartPolicy{
			"never":      runner.RestartNever,
			"on-failure": runner.RestartOnFailure,
			"always":     runner.RestartAlways,
		}[e.Restart],
	}
}

// runnerWait returns the wait of a template or bundle, else that of the whole,
// and none with Once.
func (c *Config) runnerWait(own Wait) runner.Wait {
	wait := c.Wait
	if own.Enabled {
		wait = own
	}
	if c.Once || !wait.Enabled {
		return runner.Wait{}
	}
	return runner.Wait{Min: wait.Min, Max: wait.Max}
}

func (t *Template) errorPolicy() runner.ErrorPolicy {
	switch {
	case !t.isSet("error_fatal"):
		return runner.ErrorDefault
	case t.ErrorFatal:
		return runner.ErrorFatal
	}
	return runner.ErrorTolerated
}

// either returns the first text that is not empty.
func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// ConsulOptions returns how Consul is reached.
func (c *Config) ConsulOptions() consul.Options {
	from := c.Consul
	opts := consul.DefaultOptions()
	opts.Address = from.Address
	opts.Namespace = from.Namespace
	opts.Token = from.Token
	opts.TokenFile = from.TokenFile
	if from.Auth.Enabled {
		opts.Username, opts.Password = from.Auth.Username, from.Auth.Password
	}
	opts.TLS = consul.TLS{
		Enabled:    from.SSL.Enabled,
		SkipVerify: !from.SSL.Verify,
		Cert:       from.SSL.Cert,
		Key:        from.SSL.Key,
		CACert:     from.SSL.CACert,
		CAPath:     from.SSL.CAPath,
		ServerName: from.SSL.ServerName,
	}
	opts.Transport = from.Transport
	opts.MaxStale = c.MaxStale
	opts.BlockQueryWait = c.BlockQueryWait
	opts.MaxConnections = from.MaxConnections
	opts.Retry = watch.Backoff{Base: from.Retry.Backoff, Max: from.Retry.MaxBackoff}
	if c.Once {
		opts.Unhurried = time.Second // most runs end before
	}
	return opts
}
