// Restencil keeps files in step with live data. See the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/logging"
	"restencil/runner"
	"restencil/runner/status"
	"restencil/watch"
)

// exitInterrupted is the exit code of a process that was asked to end (COMPAT
// 1.2). The codes of errors are those of package config.
const exitInterrupted = 12

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := program{args: os.Args[1:], environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(ctx))
}

// A program is one run of restencil, with all that it has from the system.
type program struct {
	args, environ  []string
	stdout, stderr io.Writer
}

// run does what the command line asks for and returns the exit code.
func (p program) run(ctx context.Context) int {
	cfg, err := config.Parse(p.args, p.environ)
	if err != nil {
		return p.failed(err)
	}
	switch cfg.Action {
	case config.ShowHelp:
		err = config.WriteHelp(p.stdout)
	case config.ShowVersion:
		_, err = fmt.Fprintln(p.stdout, version())
	case config.ShowConfig:
		err = cfg.Print(p.stdout)
	default:
		err = p.render(ctx, cfg)
	}
	if err != nil {
		return p.failed(err)
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return 0
}

// failed prints why the program ends, and returns the exit code.
func (p program) failed(err error) int {
	fmt.Fprintf(p.stderr, "restencil: %v\n", err)
	var e *config.Error
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return config.ExitRunner
}

// render renders templates until ctx ends or, with -once, until all are done.
func (p program) render(ctx context.Context, cfg *config.Config) error {
	logger := slog.New(logging.NewText(p.stderr, logging.Level(cfg.LogLevel)))
	for _, w := range cfg.Warnings {
		logger.Warn(w.Error(), "component", "config")
	}
	opts, err := cfg.Runner()
	if err != nil {
		return err
	}
	srcs, err := sources(cfg)
	if err != nil {
		return err
	}
	opts.Stdout, opts.Stderr = p.stdout, p.stderr
	opts.Events = status.Log(logger)
	r, err := runner.New(opts, watch.New(srcs))
	if err != nil || cfg.ParseOnly {
		return err
	}
	return r.Run(ctx)
}
