// Package config turns the command line, configuration files and the environment into
// one [Config] of plain values, and that into the Options of other packages.
//
// Everything that can be configured is in tables of [setting.Setting], next to the
// structs that hold the values, which are Options of other packages where those exist.
// From the tables, package setting implements flags, help, defaults, files, environment
// variables and the printed configuration. Package hcl1 parses files.
//
// Defaults, files in order, CT_LOCAL_CONFIG and flags set the same Config one after
// another. Then methods called finish derive the rest from the environment and from
// other settings, and methods called check validate the result.
package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"restencil/cmd/restencil/config/files"
	"restencil/cmd/restencil/config/hcl1"
	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/config/stores"
	"restencil/renderer"
	"restencil/watch"
	"restencil/watch/consul"
	"restencil/watch/filewatch"
	"restencil/watch/nomad"
	"restencil/watch/suggest"
	"restencil/watch/vault"
)

// A Config is the effective configuration from flags, files, the environment and
// defaults.
type Config struct {
	setting.Origins
	CommandLine

	stores.Stores
	Process  Process
	Log      Log
	State    State
	Status   Status
	Exec     Exec     // the program that runs beside the templates
	Defaults Defaults // of the templates

	// Bundles are the named bundles, in the order of the files.
	Bundles []*Bundle

	// Templates are in the order in which their commands run: files first, then
	// CT_LOCAL_CONFIG, then flags.
	Templates []*Template

	Files files.Reader // which read the files, and by Runner the templates

	// Warnings are about what is accepted but doubtful or deprecated.
	Warnings []hcl1.Diagnostic

	environ  setting.Environment
	settings []setting.Setting // all, of the values above
}

// A CommandLine says what the program is to do. Files can set only Once, OnceTimeout
// and ParseOnly.
type CommandLine struct {
	Help        bool          // print the help and exit; the rest of the Config is empty
	Version     bool          // print the version and exit
	PrintConfig bool          // print the Config and exit
	Paths       []string      // the configuration files and directories, in order
	Once        bool          // render everything once and exit
	OnceTimeout time.Duration // how long Once may take; 0 for no limit
	Dry         bool          // print instead of writing
	Diff        bool          // with Dry, as diffs; it implies Dry and, without Shadow, Once
	Shadow      bool          // Diff again and again; it implies Diff
	ParseOnly   bool          // parse the templates and exit

	// ConsulTemplate is for the caller of Parse to set: the program is called so, and
	// its errors are worded as there.
	ConsulTemplate bool
}

// The exit codes of COMPAT 1.2 that a configuration can cause.
const (
	ExitFlags  = 13 // a flag or CT_LOCAL_CONFIG is wrong
	ExitRunner = 14 // what is configured cannot be done
	ExitConfig = 15 // a configuration file or the log level is wrong
)

// An Error is an error with the exit code of the process.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// failed returns err as an Error, nil for nil.
func failed(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: code, Err: err}
}

// Parse reads the command line (without the program's name), the files that it names,
// and the environment, in the form of os.Environ. To reload, call it again.
//
// An error is an [*Error].
func Parse(args, environ []string) (*Config, error) {
	// Where the files are watched, leftovers of editors are skipped. consul-template
	// reads all files.
	skipped := false
	c, err := parse(args, environ, func(name string) bool {
		leftover := filewatch.IsLeftover(name)
		skipped = skipped || leftover
		return leftover
	})
	if err == nil && skipped && !c.Process.WatchConfig {
		return parse(args, environ, func(string) bool { return false })
	}
	return c, err
}

func parse(args, environ []string, skip func(name string) bool) (*Config, error) {
	// The flags and CT_LOCAL_CONFIG are applied last, but their errors come first.
	flags := newConfig(nil)
	_, err := setting.ParseFlags(args, flags.settings, &flags.Origins)
	if errors.Is(err, flag.ErrHelp) {
		return &Config{CommandLine: CommandLine{Help: true}}, nil
	}
	if err != nil {
		return nil, failed(ExitFlags, err)
	}
	c := newConfig(environ)
	local := c.environ.Get(setting.LocalConfig)
	if local != "" {
		if err := newConfig(nil).decode(setting.LocalConfig, local); err != nil {
			return nil, failed(ExitFlags, err)
		}
	}
	for _, path := range flags.Paths {
		if err := c.Files.Load(path, skip, c.decode); err != nil {
			return nil, failed(ExitConfig, err)
		}
	}
	if err := c.decode(setting.LocalConfig, local); err != nil {
		return nil, failed(ExitFlags, err)
	}
	warnings, err := setting.ParseFlags(args, c.settings, &c.Origins)
	if err != nil {
		return nil, failed(ExitFlags, err)
	}
	for _, w := range warnings {
		c.warn(setting.Origin{}, w, "")
	}
	c.finish()
	return c, failed(ExitConfig, c.check())
}

// newConfig returns a Config with every setting at its default.
func newConfig(environ []string) *Config {
	c := &Config{environ: environ}
	c.Consul.Options = consul.DefaultOptions()
	c.Vault.Options = vault.DefaultOptions()
	c.Nomad.Options = nomad.DefaultOptions()
	c.settings = c.makeSettings()
	setting.Init(c.settings)
	return c
}

// decode sets what a file sets.
func (c *Config) decode(name, text string) error {
	warnings, err := setting.Decode(name, text, c.settings, &c.Origins)
	c.Warnings = append(c.Warnings, warnings...)
	return err
}

func (c *Config) warn(at setting.Origin, message, hint string) {
	c.Warnings = append(c.Warnings, hcl1.Diagnostic{Position: at.Position, Message: message, Hint: hint})
}

func (c *Config) makeSettings() []setting.Setting {
	bundle := setting.Each(&c.Bundles, (*Bundle).instance)
	bundle.Labelled = true
	return slices.Concat(
		c.CommandLine.settings(),
		c.Defaults.settings(&c.Templates),
		c.State.settings(),
		c.Status.settings(),
		c.Consul.Settings(),
		c.Vault.Settings(),
		c.Nomad.Settings(),
		c.Exec.settings(&c.Process),
		c.Log.settings(),
		c.Process.settings(),
		[]setting.Setting{
			{Key: "bundle", Each: bundle},
			{Key: "template", Each: setting.Each(&c.Templates, (*Template).instance)},
		},
		c.old(),
	)
}

// old returns the settings of consul-template 0.7 to 0.18 that have other names now
// (COMPAT L), without those in the block vault.
func (c *Config) old() []setting.Setting {
	old := []setting.Setting{
		{Key: "token", Deprecated: "consul.token"},
		{Key: "retry", Deprecated: "consul.retry.backoff"},
		{Key: "auth", Deprecated: "consul.auth"},
		{Key: "ssl", Deprecated: "consul.ssl"},
		{Flag: "consul", Deprecated: "consul-addr"},
		{Flag: "retry", Deprecated: "consul-retry-backoff"},
		{Key: "ssl_no_verify", To: &c.Consul.TLS.SkipVerify, Sets: []string{"consul.ssl.verify"}, Deprecated: "consul { ssl { verify = false } }"},
		{Flag: "ssl-no-verify", To: &c.Consul.TLS.SkipVerify, Sets: []string{"consul.ssl.verify"}, Deprecated: "-consul-ssl-verify=false"},
		{Key: "reap", Flag: "reap", To: new(bool), Deprecated: setting.Nothing},
		{Key: "dump_signal", Flag: "dump-signal", To: new(string), Deprecated: setting.Nothing},
		{Flag: "vault-grace", To: new(time.Duration), Sets: []string{"vault.grace"}, Deprecated: setting.Nothing},
	}
	for _, name := range []string{
		"token", "auth", "ssl", "ssl-verify", "ssl-cert", "ssl-key", "ssl-ca-cert", "ssl-ca-path", "ssl-server-name",
	} {
		old = append(old, setting.Setting{Flag: name, Deprecated: "consul-" + name})
	}
	return old
}

const versionHelp = "Print the version and end."

func (c *CommandLine) settings() []setting.Setting {
	return setting.In("General", []setting.Setting{
		{Flag: "config", Arg: "<path>", To: &c.Paths,
			Help: "Read a configuration file, or every file of a directory. May be repeated; later files win."},
		{Key: "once", Flag: "once", To: &c.Once,
			Help: "Render everything once, run the commands, and end."},
		{Key: "once_timeout", Flag: "timeout", To: setting.AtLeast(0, &c.OnceTimeout),
			Help: "With -once, end with exit code 14 and the list of what is missing when not all is done after this time; 0 for no limit."},
		{Flag: "dry", To: &c.Dry,
			Help: "Print what would be written to standard output instead; run no commands."},
		{Flag: "diff", To: &c.Diff,
			Help: "Print what would change on disk instead, as a unified diff with secrets masked, and what would run and why; change and run nothing, and end. The exit code is 0 when nothing would change, 2 when something would, and 1 after an error. It implies -dry."},
		{Flag: "shadow", To: &c.Shadow,
			Help: "Render beside another program that has the same configuration, such as consul-template, and report where a file differs from what would be written, as -diff does; change and run nothing. The exit code, also after SIGINT and SIGTERM, is 0 when no file differed, 2 when one did, and 1 after an error. With -once it ends when all files have been compared."},
		{Key: "parseonly", Flag: "parse-only", To: &c.ParseOnly,
			Help: "Check that the templates parse, and end."},
		{Flag: "print-config", To: &c.PrintConfig,
			Help: "Print the effective configuration, with secrets masked and where each value comes from, and end."},
		{Flag: "version", To: &c.Version, Help: versionHelp},
		{Flag: "v", To: &c.Version, Help: versionHelp},
	}...)
}

// finish sets what is not set: first from the environment, then from other settings.
func (c *Config) finish() {
	// consul-template accepts parseonly and once in a file, and ignores both. Its
	// documentation promises once, which has an effect here (COMPAT Q9).
	if at := c.Origin("parseonly"); c.ParseOnly && !at.FromCommandLine() {
		c.ParseOnly = false
		c.Unset("parseonly")
		c.warn(at, "parseonly has no effect in a file", "use the flag -parse-only")
	}
	if at := c.Origin("once"); c.Once && !at.FromCommandLine() {
		c.warn(at, "once is in effect here; consul-template ignores it in a file", "")
	}
	for _, text := range setting.Fill(c.settings, &c.Origins, c.environ) {
		c.warn(setting.Origin{}, text, "")
	}
	if c.Diff || c.Shadow {
		c.Once = c.Once || !c.Shadow
		c.Dry, c.Diff = true, true
	}
	c.Log.finish(&c.Origins)
	c.Status.finish(c)
	c.Consul.Finish(&c.Origins, c.warn)
	c.Vault.Finish(&c.Origins, c.environ.Get("HOME"), c.warn)
	c.Nomad.Finish(&c.Origins)
	c.Exec.finish(c)
	c.Defaults.Wait.finish(&c.Origins, c)
	if c.Once {
		c.Defaults.Wait = Wait{}
	}
	for _, t := range c.Templates {
		c.finishTemplate(t)
	}
	for _, b := range c.Bundles {
		b.finish(&b.Origins, len(c.verifies(b)) > 0, c)
		if !slices.ContainsFunc(c.Templates, func(t *Template) bool { return t.Bundle == b.Name }) {
			c.warn(b.At, fmt.Sprintf("no template belongs to bundle %q", b.Name), fmt.Sprintf("write bundle = %q in its templates", b.Name))
		}
	}
	first := make(map[string]setting.Origin) // by destination
	for _, t := range c.Templates {
		to := t.File.Destination
		at, taken := first[to]
		if to == "" || !taken || renderer.StreamOf(to) != renderer.NoStream {
			first[to] = t.At
			continue
		}
		c.warn(t.At, fmt.Sprintf("two templates have the destination %s: that of %s and that of %s", to, at, t.At),
			"each overwrites what the other wrote")
	}
}

func (c *Config) check() error {
	return errors.Join(slices.Concat(c.Log.check(), c.Status.check(&c.Origins), c.Exec.check(), c.Consul.Check(), c.Vault.Check(&c.Origins), c.Nomad.Check(), c.checkBundles(), c.checkClusters())...)
}

// Reaches returns how the stores are reached.
func (c *Config) Reaches() map[watch.Store]stores.Reach {
	return stores.Reaches(&c.Stores, &c.Origins, stores.Process{Once: c.Once, Environ: c.environ})
}

// Clusters returns the names of a system's clusters, without the one that has none.
func (c *Config) Clusters(system watch.Store) (names []string) {
	for store := range c.Reaches() {
		if of, name := store.Split(); of == system && name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// checkClusters rejects the names of clusters in templates that there are not.
func (c *Config) checkClusters() (errs []error) {
	for _, t := range c.AllTemplates() {
		own := &t.Options.Clusters
		for _, store := range []watch.Store{watch.Consul.In(own.Consul), watch.Vault.In(own.Vault), watch.Nomad.In(own.Nomad)} {
			system, name := store.Split()
			if name == "" || name == watch.DefaultCluster {
				continue
			}
			names := c.Clusters(system)
			if slices.Contains(names, name) {
				continue
			}
			errs = append(errs, t.Origin(string(system)).Wrong(fmt.Sprintf("there is no block %s %q", system, name), suggest.Hint(name, names)))
		}
	}
	return errs
}

// Print writes the configuration as a file, with the origin of each value, and secrets
// masked.
func (c *Config) Print(w io.Writer) error {
	_, err := io.WriteString(w, setting.Print(c.settings, &c.Origins))
	return err
}

// Settings returns all settings, at their defaults.
func Settings() []setting.Setting { return newConfig(nil).settings }
