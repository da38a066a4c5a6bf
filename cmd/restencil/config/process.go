package config

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/logging"
)

// Process is how the process is controlled.
type Process struct {
	PidFile      string
	WatchConfig  bool      // reload when files change
	KillSignal   os.Signal // setting.SignalNone for none
	ReloadSignal os.Signal // setting.SignalNone for none
	PassTokens   bool      // give the stores' tokens to commands and the child
}

func (p *Process) settings() []setting.Setting {
	return setting.In("Process", []setting.Setting{
		{Key: "pid_file", Flag: "pid-file", Arg: "<path>", To: &p.PidFile,
			Help: "Write the process id to this file."},
		{Key: "kill_signal", Flag: "kill-signal", To: &p.KillSignal, Default: "SIGINT",
			Help: "The signal that ends the process."},
		{Key: "reload_signal", Flag: "reload-signal", To: &p.ReloadSignal, Default: "SIGHUP",
			Help: "The signal that reads the configuration and the templates again."},
		{Key: "watch_config", Flag: "watch-config", To: &p.WatchConfig,
			Help: "Read the configuration and the templates again when they change on disk."},
	}...)
}

// Log is what is logged, and where in addition to standard error.
type Log struct{ logging.Options }

func (l *Log) settings() []setting.Setting {
	return setting.In("Logging", []setting.Setting{
		{Key: "log_level", Flag: "log-level", Arg: "<trace|debug|info|warn|err>", To: &l.Level, Default: "WARN", Env: "CT_LOG CONSUL_TEMPLATE_LOG CONSUL_TEMPLATE_LOG_LEVEL",
			Help: "How much to log: trace, debug, info, warn or err."},
		{Key: "log_format", Flag: "log-format", Arg: "<text|json>", To: &l.Format, Default: "text",
			Help: "How to log: text, or json for one object a line."},
		{Key: "log_file", Block: []setting.Setting{
			{Key: "path", Flag: "log-file", Arg: "<path>", To: &l.File.Path,
				Help: "Log to this file as well."},
			{Key: "log_rotate_bytes", Flag: "log-rotate-bytes", Arg: "<bytes>", To: &l.File.MaxBytes,
				Help: "Begin a new log file at this size, in bytes; 0 for no limit."},
			{Key: "log_rotate_duration", Flag: "log-rotate-duration", To: &l.File.MaxAge, Default: "24h",
				Help: "Begin a new log file after this time."},
			{Key: "log_rotate_max_files", Flag: "log-rotate-max-files", To: &l.File.Keep,
				Help: "How many old log files to keep; 0 for all, -1 for none."},
		}},
		{Key: "syslog", Block: []setting.Setting{
			{Key: "enabled", Flag: "syslog", To: &l.Syslog.Enabled,
				Help: "Log to the system log as well."},
			{Key: "facility", Flag: "syslog-facility", Arg: "<facility>", To: &l.Syslog.Facility, Default: "LOCAL0",
				Help: "The facility to log to; turns -syslog on."},
			{Key: "name", Flag: "syslog-name", Arg: "<name>", To: &l.Syslog.Name, Default: "consul-template",
				Help: "The name to log under; turns -syslog on."},
		}},
	}...)
}

func (l *Log) finish(w *setting.Origins) {
	l.Level = strings.ToUpper(l.Level)
	l.Format = strings.ToLower(l.Format)
	if !w.IsSet("syslog.enabled") {
		l.Syslog.Enabled = w.IsSet("syslog.facility") && l.Syslog.Facility != "" ||
			w.IsSet("syslog.name") && l.Syslog.Name != ""
	}
}

func (l *Log) check() []error {
	var errs []error
	if !slices.Contains([]string{"TRACE", "DEBUG", "INFO", "WARN", "ERR"}, l.Level) {
		errs = append(errs, fmt.Errorf("invalid log level %q, valid log levels are TRACE, DEBUG, INFO, WARN, ERR", l.Level))
	}
	if !slices.Contains([]string{"text", "json"}, l.Format) {
		errs = append(errs, fmt.Errorf("invalid log format %q, valid log formats are text, json", l.Format))
	}
	return errs
}
