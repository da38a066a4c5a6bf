package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/record"
	"restencil/runner"
	"restencil/runner/status/eventlog"
	"restencil/watch"
	"restencil/watch/vault"
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
	leases, recorder := sources[watch.Vault].(*vault.Source), record.New()
	for _, store := range []watch.Store{watch.Consul, watch.Vault} { // files stay where they are
		sources[store] = recorder.Source(sources[store])
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
	revoking, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	if err := leases.Revoke(revoking); err != nil { // their secrets are not in the data
		service.warn("vault", fmt.Errorf("not all leases were given back: %w", err))
	}
	switch {
	case err != nil:
		return &config.Error{Code: exitCode(err), Err: err}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return recorder.Write(p.stdout)
}
