package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/record"
	"restencil/runner"
	"restencil/runner/status/eventlog"
	"restencil/watch"
)

// recordData prints what templates ask of live stores as a data file. It renders once,
// as -once -dry does, and prints that in place of the files.
func recordData(ctx context.Context, p program, s *subcommand) error {
	p.args = append(slices.Clone(s.args), "-once", "-dry")
	cfg, err := p.parse()
	switch {
	case err != nil:
		return err
	case cfg.Help:
		_, err := io.WriteString(p.stdout, s.text())
		return err
	case len(cfg.Templates) == 0:
		return &config.Error{Code: config.ExitFlags, Err: errors.New("there is nothing to record: no template is given (-config or -template)")}
	}
	log, err := openLog(cfg, p.stderr)
	if err != nil {
		return err
	}
	defer log.Close()
	slog.SetDefault(log.Logger)
	service := &service{program: p, cfg: cfg, log: log}
	sources, err := service.sources(cfg, nil)
	if err != nil {
		return &config.Error{Code: exitCode(err), Err: err}
	}
	service.keepVaults(sources)
	recorder := record.New()
	for store, source := range sources {
		if store != watch.Files { // they stay where they are
			sources[store] = recorder.Source(source)
		}
	}
	opts, err := cfg.Runner()
	if err != nil {
		return err
	}
	opts.Child, opts.Stdout, opts.Stderr, opts.Warn = nil, io.Discard, p.stderr, service.warner("config")
	opts.Words = runner.Words{Local: cfg.Consul.Local}
	opts.Events = eventlog.Log(log.Logger, eventlog.Options{Local: cfg.Consul.Local != ""})
	r, err := runner.New(opts, watch.New(sources))
	if err == nil {
		err = r.Run(ctx)
	}
	service.revoke(ctx, func(watch.Store) bool { return true }) // their secrets are not in the data
	switch {
	case err != nil:
		return &config.Error{Code: exitCode(err), Err: err}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return recorder.Write(p.stdout)
}
