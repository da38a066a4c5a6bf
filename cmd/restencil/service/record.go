package service

import (
	"context"
	"io"
	"log/slog"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/record"
	"restencil/runner"
	"restencil/runner/status/eventlog"
	"restencil/watch"
)

// Record prints what templates ask of live stores as a data file. It renders once, as
// -once -dry does, and prints that in place of the files.
func (p Program) Record(ctx context.Context, cfg *config.Config) error {
	log, err := openLog(cfg, p.Stderr)
	if err != nil {
		return err
	}
	defer log.Close()
	slog.SetDefault(log.Logger)
	s := &service{Program: p, cfg: cfg, log: log}
	sources, err := s.sources(cfg, nil)
	if err != nil {
		return &config.Error{Code: ExitCode(err), Err: err}
	}
	s.keepVaults(sources)
	opts, err := cfg.Runner()
	if err != nil {
		return err
	}
	opts.Child, opts.Stdout, opts.Stderr, opts.Warn = nil, io.Discard, p.Stderr, s.warner("config")
	opts.Words = runner.Words{Local: cfg.Consul.Local}
	opts.Events = eventlog.Log(log.Logger, eventlog.Options{Local: cfg.Consul.Local != ""})
	watcher := watch.New(sources)
	r, err := runner.New(opts, watcher)
	if err == nil {
		err = r.Run(ctx)
	}
	s.revoke(ctx, func(watch.Store) bool { return true }) // their secrets are not in the data
	switch {
	case err != nil:
		return &config.Error{Code: ExitCode(err), Err: err}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return record.Write(p.Stdout, watcher.Answers())
}
