package config

import (
	"os"
	"slices"
	"syscall"
	"time"
)

// The headings of -help, in their order.
const (
	groupGeneral   = "General"
	groupTemplates = "Templates and output"
	groupBundles   = "Changes as a whole"
	groupExec      = "Running a program"
	groupConsul    = "Consul"
	groupTransport = "Consul: connections and retries"
	groupVault     = "Vault"
	groupNomad     = "Nomad"
	groupLocal     = "Without a server"
	groupLog       = "Logging"
	groupProcess   = "Process"
)

// settings returns every setting outside of templates. They keep their values
// in c.
func (c *Config) settings() []setting {
	return slices.Concat(
		c.generalSettings(),
		c.templateSettings(),
		c.bundleSettings(),
		c.localSettings(),
		c.consulSettings(),
		c.vaultSettings(),
		c.nomadSettings(),
		c.execSettings(),
		c.logSettings(),
		c.processSettings(),
	)
}

func (c *Config) generalSettings() []setting {
	return in(groupGeneral,
		setting{flag: "config", value: paths(&c.Paths),
			help: "Read a configuration file, or every file of a directory. May be repeated; later files win."},
		setting{key: "once", flag: "once", value: boolean(&c.Once, false),
			help: "Render everything once, run the commands, and end."},
		setting{flag: "dry", value: boolean(&c.Dry, false),
			help: "Print what would be written to standard output instead; run no commands."},
		setting{key: "parseonly", flag: "parse-only", value: boolean(&c.ParseOnly, false),
			help: "Check that the templates parse, and end."},
		setting{flag: "print-config", value: action(&c.Action, ShowConfig),
			help: "Print the effective configuration, with secrets masked and where each value comes from, and end."},
		setting{flag: "version", alias: "v", value: action(&c.Action, ShowVersion),
			help: "Print the version and end."},
	)
}

func (c *Config) templateSettings() []setting {
	settings := in(groupTemplates,
		setting{flag: "template", value: templates{to: &c.Templates},
			help: "Render a template. May be repeated. Without a destination the text is printed, with -dry."},
		setting{key: "template_error_fatal", flag: "template-error-fatal", value: boolean(&c.TemplateErrorFatal, true),
			help: "Whether an error of a template ends the process. The flag counts for all templates, the key for those that do not say."},
		setting{key: "default_delimiters.left", flag: "default-left-delimiter", arg: "<delimiter>", value: text(&c.Delimiters.Left, ""),
			help: "What begins an action in templates, instead of {{."},
		setting{key: "default_delimiters.right", flag: "default-right-delimiter", arg: "<delimiter>", value: text(&c.Delimiters.Right, ""),
			help: "What ends an action in templates, instead of }}."},
		setting{key: "secret_perms", flag: "secret-perms", value: mode(&c.SecretPerms), whenSet: true,
			help: "The mode of files that hold secrets of Vault, where their template says none; otherwise it is that of any file."},
		setting{key: "wait", flag: "wait", value: waitText{&c.Wait}, sets: []string{"wait.min", "wait.max"}, shorthand: true,
			help: "Wait after a change until there has been none for min, but at most max (4 times min if not given)."},
	)
	return append(settings, under("wait", "", waitSettings(&c.Wait))...)
}

func (c *Config) localSettings() []setting {
	return in(groupLocal,
		setting{key: "local.path", flag: "local", arg: "<path>", value: text(&c.Local.Path, ""),
			help: "Answer the Consul functions from this YAML, JSON or HCL file, which is watched."},
	)
}

func (c *Config) execSettings() []setting {
	settings := []setting{
		{flag: "exec", value: execText{to: &c.Exec}, sets: []string{"exec.command", "exec.enabled"},
			help: "Run this program as a child once everything is rendered, and reload it after changes."},
	}
	settings = append(settings, under("exec", "exec", execSettings(&c.Exec, 0))...)
	return in(groupExec, append(settings,
		setting{key: "exec.restart", flag: "exec-restart", value: oneOf(&c.Exec.Restart, "never", "<policy>", "never", "on-failure", "always"),
			help: "Start the program again, after a pause, when it ends by itself: never, on-failure or always. Otherwise restencil ends with its exit code."},
		setting{key: "pass_tokens", flag: "pass-tokens", value: boolean(&c.PassTokens, true),
			help: "Give commands and the program the variables that hold tokens of Consul, Vault and Nomad."},
	)...)
}

func (c *Config) logSettings() []setting {
	return in(groupLog,
		setting{key: "log_level", flag: "log-level", arg: "<level>", value: text(&c.LogLevel, "WARN"),
			env:  "CT_LOG CONSUL_TEMPLATE_LOG CONSUL_TEMPLATE_LOG_LEVEL",
			help: "How much to log: trace, debug, info, warn or err."},
		setting{key: "log_format", flag: "log-format", arg: "<format>", value: text(&c.LogFormat, "text"),
			help: "How to log: text, or json for one object a line."},
		setting{key: "log_file.path", flag: "log-file", arg: "<path>", value: text(&c.LogFile.Path, ""),
			help: "Log to this file as well."},
		setting{key: "log_file.log_rotate_bytes", flag: "log-rotate-bytes", arg: "<bytes>", value: integer(&c.LogFile.RotateBytes, 0),
			help: "Begin a new log file at this size; 0 for no limit."},
		setting{key: "log_file.log_rotate_duration", flag: "log-rotate-duration", value: duration(&c.LogFile.RotateDuration, 24*time.Hour),
			help: "Begin a new log file after this time."},
		setting{key: "log_file.log_rotate_max_files", flag: "log-rotate-max-files", value: integer(&c.LogFile.RotateMaxFiles, 0),
			help: "How many old log files to keep; 0 for all, -1 for none."},
		setting{key: "syslog.enabled", flag: "syslog", value: boolean(&c.Syslog.Enabled, false),
			help: "Log to the system log as well."},
		setting{key: "syslog.facility", flag: "syslog-facility", arg: "<facility>", value: text(&c.Syslog.Facility, "LOCAL0"),
			help: "The facility to log to; turns -syslog on."},
		setting{key: "syslog.name", flag: "syslog-name", arg: "<name>", value: text(&c.Syslog.Name, "consul-template"),
			help: "The name to log under; turns -syslog on."},
	)
}

func (c *Config) processSettings() []setting {
	return in(groupProcess,
		setting{key: "pid_file", flag: "pid-file", arg: "<path>", value: text(&c.PidFile, ""),
			help: "Write the process id to this file."},
		setting{key: "kill_signal", flag: "kill-signal", value: signal(&c.KillSignal, os.Interrupt),
			help: "The signal that ends the process."},
		setting{key: "reload_signal", flag: "reload-signal", value: signal(&c.ReloadSignal, syscall.SIGHUP),
			help: "The signal that reads the configuration and the templates again."},
		setting{key: "watch_config", flag: "watch-config", value: boolean(&c.WatchConfig, false),
			help: "Read the configuration and the templates again when they change on disk."},
	)
}

// waitSettings are the settings of a wait block. Its switch is called bool in
// consul-template (COMPAT Q7).
func waitSettings(w *Wait) []setting {
	return in(groupTemplates,
		setting{key: "bool", value: boolean(&w.Enabled, false)},
		setting{key: "enabled", value: boolean(&w.Enabled, false), sets: []string{"bool"}},
		setting{key: "min", value: duration(&w.Min, 0)},
		setting{key: "max", value: duration(&w.Max, 0)},
	)
}

// execSettings are the settings of an exec block.
func execSettings(e *Exec, timeout time.Duration) []setting {
	settings := []setting{
		{key: "command", value: command(&e.Command)},
		{key: "enabled", value: boolean(&e.Enabled, false)},
		{key: "timeout", value: duration(&e.Timeout, timeout)},
		{key: "kill_signal", flag: "-kill-signal", value: signal(&e.KillSignal, os.Interrupt),
			help: "The signal that asks the program to end."},
		{key: "kill_timeout", flag: "-kill-timeout", value: duration(&e.KillTimeout, 30*time.Second),
			help: "How long the program has to end before it is killed."},
		{key: "reload_signal", flag: "-reload-signal", value: signal(&e.ReloadSignal, nil),
			help: "The signal that makes the program reload. Without it the program is restarted."},
		{key: "splay", flag: "-splay", value: duration(&e.Splay, 0),
			help: "Wait for a random time of at most this before signalling the program."},
	}
	return append(settings, under("env", "-env", []setting{
		{key: "pristine", flag: "-pristine", value: boolean(&e.Env.Pristine, false),
			help: "The program inherits no environment variables."},
		{key: "custom", flag: "-custom", arg: "<K=V>", value: list(&e.Env.Custom),
			help: "Give the program this variable, as K=V. May be repeated."},
		{key: "allowlist", flag: "-allowlist", arg: "<pattern>", value: list(&e.Env.Allowlist),
			help: "The program inherits only variables whose name matches this pattern. May be repeated."},
		{key: "denylist", flag: "-denylist", arg: "<pattern>", value: list(&e.Env.Denylist),
			help: "The program does not inherit variables whose name matches this pattern. May be repeated."},
		{key: "whitelist", value: listAlias(&e.Env.Allowlist), deprecated: "allowlist", sets: []string{"allowlist"}},
		{key: "blacklist", value: listAlias(&e.Env.Denylist), deprecated: "denylist", sets: []string{"denylist"}},
	})...)
}
