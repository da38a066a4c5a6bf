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
	// Unless it is asked for, SIGPIPE ends a program that writes to a standard
	// error that nobody reads any more. Asked for, the write fails.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	p := program{name: called(os.Args[0]), args: os.Args[1:], environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(ctx))
}

// A program is one run of restencil, with all that it has from the system.
type program struct {
	name           string // that it was called by
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
		_, err = fmt.Fprintln(p.stdout, p.version())
	case config.ShowConfig:
		err = cfg.Print(p.stdout)
	default:
		return p.start(ctx, cfg)
	}
	if err != nil {
		return p.failed(err)
	}
	return 0
}

// failed prints why the program ends before it has a log, and returns the exit
// code.
func (p program) failed(err error) int {
	prefix := p.name + ": "
	if p.isConsulTemplate() {
		prefix = "" // as there (COMPAT 1.2)
	}
	fmt.Fprintf(p.stderr, "%s%v\n", prefix, err)
	return exitCode(err)
}

// exitCode returns the exit code of an error.
func exitCode(err error) int {
	var e *config.Error
	if errors.As(err, &e) {
		return e.ExitCode()
	}
	return config.ExitRunner
}

// start opens the log, renders, and returns the exit code.
func (p program) start(ctx context.Context, cfg *config.Config) int {
	log, err := openLog(cfg, p.stderr)
	if err != nil {
		return p.failed(err)
	}
	defer log.Close()
	log.Info(p.version())
	for _, w := range cfg.Warnings {
		log.Warn(w.Error(), "component", "config")
	}
	if err := p.render(ctx, cfg, log.Logger); err != nil {
		log.Error(err.Error(), "component", "cli")
		return exitCode(err)
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	return 0
}

// render renders templates until ctx ends or, with -once, until all are done.
func (p program) render(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	opts, err := cfg.Runner()
	if err != nil {
		return err
	}
	srcs, err := sources(cfg)
	if err != nil {
		return err
	}
	manager := serviceManager(cfg, log)
	defer manager.Close()
	defer manager.Stopping()
	logEvent := status.Log(log)
	opts.Stdout, opts.Stderr = p.stdout, p.stderr
	opts.Heartbeat = manager.Heartbeat()
	opts.Events = func(e runner.Event) {
		logEvent(e)
		manager.Event(e)
	}
	r, err := runner.New(opts, watch.New(srcs))
	if err != nil || cfg.ParseOnly {
		return err
	}
	removePid, err := writePid(cfg.PidFile, log)
	if err != nil {
		return err
	}
	defer removePid()
	defer atEnd(ctx, func() {
		p.cleaningUp(cfg, log)
		manager.Stopping()
	})()
	return r.Run(ctx)
}

// cleaningUp says that the program was asked to end (COMPAT 4.8).
func (p program) cleaningUp(cfg *config.Config, log *slog.Logger) {
	if cfg.LogFormat == "json" { // whoever reads that wants nothing else
		log.Info("cleaning up", "component", "cli")
		return
	}
	fmt.Fprintln(p.stderr, "Cleaning up...")
}

// atEnd calls do when ctx ends. The function that it returns waits for the end
// of do, or prevents it.
func atEnd(ctx context.Context, do func()) (join func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		do()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}
