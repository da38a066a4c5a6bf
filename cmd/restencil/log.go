package main

import (
	"io"
	"log/slog"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/logging"
	"restencil/cmd/restencil/systemd"
)

// openLog opens the log that cfg asks for, besides standard error.
func openLog(cfg *config.Config, stderr io.Writer) (*logging.Log, error) {
	log, err := logging.Open(logging.Options{
		Level:  logging.Level(cfg.Log.Level),
		JSON:   cfg.Log.Format == "json",
		Stderr: stderr,
		File:   cfg.Log.File,
		Syslog: cfg.Log.Syslog,
	})
	if err != nil {
		return nil, &config.Error{Code: config.ExitConfig, Err: err}
	}
	return log, nil
}

// serviceManager returns what tells the service manager, if there is one.
func serviceManager(cfg *config.Config, log *slog.Logger) *systemd.Notifier {
	getenv := func(name string) string {
		value, _ := cfg.LookupEnv(name)
		return value
	}
	return systemd.New(getenv, func(err error) { log.Warn(err.Error(), "component", "cli") })
}
