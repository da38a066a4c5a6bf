package config

import (
	"fmt"
	"slices"
	"time"

	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/config/stores"
	"restencil/runner"
	"restencil/runner/process"
	"restencil/watch/lazyregexp"
)

// An Exec is the block exec: the supervised child, or the command of a template.
type Exec struct {
	runner.Child               // without its environment, which Env describes
	Enabled      bool          // has no effect
	Timeout      time.Duration // of a template's command; 0: it is not waited for
	Env          Env
	Variables    []*Variable // rendered; of the supervised child only
}

// A Variable is the block env_template: an environment variable of the supervised child
// whose value is the output of a template.
type Variable struct {
	Template
	Name string
}

func (v *Variable) instance() setting.Instance {
	return setting.Instance{
		Label: &v.Name, Origins: &v.Origins,
		Settings: append(v.sourceSettings(), v.languageSettings()...),
	}
}

// An Env describes the environment of a command (COMPAT 4.6.2).
type Env struct {
	Pristine  bool     // inherit nothing
	Custom    []string // K=V, added to the rest
	Allowlist []string // patterns of names to inherit; empty: all
	Denylist  []string // patterns of names not to inherit
}

// LookupEnv returns an environment variable as templates see it: first those that say
// how the stores are reached (COMPAT 4.6.2), then the environment of the process.
func (c *Config) LookupEnv(name string) (value string, ok bool) {
	return slices.Concat(c.environ, stores.Environ(&c.Consul, &c.Vault)).Lookup(name)
}

// environmentOf returns the environment of a command or of the child: the inherited
// variables that the filter allows, those that say how the stores are reached, and
// custom ones. Without PassTokens, secrets are removed from all but the custom ones.
func (c *Config) environmentOf(e Env) []string {
	env := c.environ.Filter(e.Denylist, false)
	if e.Pristine {
		env = nil
	} else if len(e.Allowlist) > 0 {
		env = env.Filter(e.Allowlist, true)
	}
	env = append(env, stores.Environ(&c.Consul, &c.Vault)...)
	if !c.Process.PassTokens {
		env = env.Filter(stores.SecretVariables(), false)
	}
	return append(env, e.Custom...)
}

// commandTimeout is the default timeout of a template's command.
const commandTimeout = "30s"

func (e *Exec) settings(p *Process) []setting.Setting {
	block := e.block("exec", "")
	block.Block = append(block.Block, setting.Setting{
		Key: "restart", Flag: "exec-restart", Default: string(process.RestartNever),
		To:   setting.OneOf("<policy>", &e.Restart, process.RestartNever, process.RestartOnFailure, process.RestartAlways),
		Help: "Start the program again, after a pause, when it ends by itself: never, on-failure or always. Otherwise restencil ends with its exit code.",
	})
	variables := setting.Each(&e.Variables, (*Variable).instance)
	variables.Labelled = true
	block.Block = append(block.Block, setting.Setting{Key: "env_template", Each: variables})
	return setting.In("Running a program", []setting.Setting{
		{Flag: "exec", Sets: []string{"exec.command", "exec.enabled"},
			To: setting.Text("<command>", "", func(text string) error {
				e.Args, e.Enabled = []string{text}, true
				return nil
			}, nil),
			Help: "Run this program as a child once everything is rendered, and reload it after changes."},
		block,
		{Key: "pass_tokens", Flag: "pass-tokens", To: &p.PassTokens, Default: "true",
			Help: "Give commands and the program the variables that hold tokens of Consul, Vault and Nomad."},
	}...)
}

// block returns the block exec. The names of its flags begin with flags; "": it has
// none.
func (e *Exec) block(flags, timeout string) setting.Setting {
	return setting.Setting{Key: "exec", Flag: flags, Block: []setting.Setting{
		{Key: "command", To: setting.Command(&e.Args),
			Help: "The program to run: a string for the shell, or a list with the program and its arguments."},
		{Key: "enabled", To: &e.Enabled, WhenSet: true, Help: "Has no effect: a command that is given is run."},
		{Key: "timeout", To: setting.AtLeast(0, &e.Timeout), Default: timeout,
			Help: "How long a template's command may take before it is killed; command_timeout if not given. Has no effect on the program."},
		{Key: "kill_signal", Flag: "-kill-signal", To: &e.KillSignal, Default: "SIGINT",
			Help: "The signal that asks the program to end."},
		{Key: "kill_timeout", Flag: "-kill-timeout", To: &e.KillTimeout, Default: "30s",
			Help: "How long the program has to end before it is killed."},
		{Key: "reload_signal", Flag: "-reload-signal", To: &e.ReloadSignal,
			Help: "The signal that makes the program reload. Without it the program is restarted."},
		{Key: "splay", Flag: "-splay", To: &e.Splay,
			Help: "Wait for a random time of at most this before signalling the program."},
		{Key: "env", Block: []setting.Setting{
			{Key: "pristine", Flag: "-env-pristine", To: &e.Env.Pristine,
				Help: "The program inherits no environment variables."},
			{Key: "custom", Flag: "-env-custom", Arg: "<K=V>", To: setting.Variables(&e.Env.Custom),
				Help: "Give the program this variable, as K=V. May be repeated."},
			{Key: "allowlist", Flag: "-env-allowlist", Arg: "<pattern>", To: &e.Env.Allowlist,
				Help: "The program inherits only variables whose name matches this pattern. May be repeated."},
			{Key: "denylist", Flag: "-env-denylist", Arg: "<pattern>", To: &e.Env.Denylist,
				Help: "The program does not inherit variables whose name matches this pattern. May be repeated."},
			{Key: "whitelist", To: setting.Union(&e.Env.Allowlist), Deprecated: "allowlist", Sets: []string{"allowlist"}},
			{Key: "blacklist", To: setting.Union(&e.Env.Denylist), Deprecated: "denylist", Sets: []string{"denylist"}},
		}},
	}}
}

func (e *Exec) finish(c *Config) {
	if setting.IsCommand(e.Args) && c.IsSet("exec.enabled") && !e.Enabled {
		c.warn(c.Origin("exec.enabled"), "exec.enabled = false has no effect: the command is run, as by consul-template", "")
	}
	for _, v := range e.Variables {
		c.finishTemplate(&v.Template)
	}
}

// variableName is what POSIX calls a name: what a shell can read.
var variableName = lazyregexp.New("^[A-Za-z_][A-Za-z0-9_]*$")

func (e *Exec) check() []error {
	var errs []error
	first := make(map[string]setting.Origin)
	for _, v := range e.Variables {
		if !variableName.Get().MatchString(v.Name) {
			errs = append(errs, v.At.Wrong(fmt.Sprintf("%q is not the name of an environment variable", v.Name), "use letters, digits and _"))
		}
		if at, twice := first[v.Name]; twice {
			errs = append(errs, v.At.Wrong(fmt.Sprintf("there are two blocks env_template %q", v.Name), "the other one is at "+at.String()))
		}
		first[v.Name] = v.At
	}
	return errs
}
