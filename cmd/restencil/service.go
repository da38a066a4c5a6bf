package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/logging"
	"restencil/cmd/restencil/systemd"
	"restencil/runner"
	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/runner/status/eventlog"
	"restencil/watch"
	"restencil/watch/vault"
)

// A service is a program that renders, from its start to its end. All of it but
// log belongs to the goroutine of serve, until that starts control; then what
// control uses is control's.
type service struct {
	program
	cfg     *config.Config
	log     atomic.Pointer[logging.Log]
	manager *systemd.Notifier
	vault   *vault.Source
	runner  *runner.Runner
	state   state
}

// serve renders until it is done or asked to end, and returns the exit code.
func (p program) serve(cfg *config.Config) int {
	log, err := openLog(cfg, p.stderr)
	if err != nil {
		return p.failed(err)
	}
	s := &service{program: p, cfg: cfg}
	s.log.Store(log)
	// What libraries print, such as net/http, is of use to nobody else.
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(slog.New(logging.Current{Pointer: &s.log}))
	defer func() { s.log.Load().Close() }()
	log.Info(s.version())
	s.warnOfConfig()
	interrupted, err := s.run()
	switch {
	case err != nil:
		s.log.Load().Error(err.Error(), "component", "cli")
		return exitCode(err)
	case interrupted:
		return exitInterrupted
	}
	return 0
}

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

// revokeTimeout is how long the end of the program may take for what is given
// back to Vault.
const revokeTimeout = 5 * time.Second

// run makes the runner and runs it, under control of the signals.
func (s *service) run() (interrupted bool, err error) {
	getenv := func(name string) string {
		value, _ := s.cfg.LookupEnv(name)
		return value
	}
	s.manager = systemd.New(getenv, s.warn("cli"))
	defer s.manager.Close()
	defer s.manager.Stopping()
	s.stdout.OnLost(func(lines int) []byte {
		s.warn("logging")(fmt.Errorf("standard output was not read: %d lines that commands printed were dropped", lines))
		return nil
	})
	if !s.cfg.Once && !s.cfg.Dry {
		s.stdout.Free() // what commands print does not hold up the others
	}
	sources, err := s.sources(s.cfg, nil)
	if err != nil {
		return false, err
	}
	s.vault = sources[watch.Vault].(*vault.Source)
	defer s.state.close()
	opts, err := s.options(s.cfg, s.log.Load())
	if err != nil {
		return false, err
	}
	if s.runner, err = runner.New(opts, watch.New(sources)); err != nil || s.cfg.ParseOnly {
		return false, err
	}
	removePid, err := s.writePid(s.cfg.Process.PidFile)
	if err != nil {
		return false, err
	}
	defer removePid()

	ctx, cancel := context.WithCancel(context.Background())
	var control sync.WaitGroup
	control.Go(func() {
		if s.control(ctx) {
			interrupted = true
			s.stdout.Free()
			s.say("Cleaning up...", "cleaning up")
			s.manager.Stopping()
			cancel()
		}
	})
	err = s.runner.Run(ctx)
	cancel()
	control.Wait()

	// Where the child has ended, nobody uses any more what was rendered. What
	// runs once leaves its leases to those that read its files.
	var exit *process.ChildExit
	if s.cfg.Vault.RevokeOnExit && !s.cfg.Once && (err == nil || errors.As(err, &exit)) {
		ctx, cancel := context.WithTimeout(context.Background(), revokeTimeout)
		defer cancel()
		if err := s.vault.Revoke(ctx); err != nil {
			s.warn("vault")(fmt.Errorf("not all leases were given back: %w", err))
		}
	}
	return interrupted, err
}

// options returns the runner's, with all that it needs from the system.
func (s *service) options(cfg *config.Config, log *logging.Log) (runner.Options, error) {
	opts, err := cfg.Runner()
	if err != nil {
		return opts, err
	}
	opts.Words = runner.Words{Local: cfg.Consul.Local, ConsulTemplate: s.name == consulTemplate}
	logEvent := eventlog.Log(log.Logger, eventlog.Options{Local: cfg.Consul.Local != "", ConsulTemplate: opts.ConsulTemplate})
	opts.Stdout, opts.Stderr, opts.Warn = s.stdout, s.stderr, s.warn("config")
	if level := max(slog.LevelInfo, logging.Level(cfg.Log.Level)); cfg.Log.Format == "json" {
		opts.CommandOutput = func(args []string, line string) {
			s.log.Load().Log(context.Background(), level, line, "component", "command", "command", strings.Join(args, " "))
		}
	}
	opts.Heartbeat = s.manager.Heartbeat()
	opts.State.Journal = s.remember(cfg, opts)
	opts.State.Unresolved = s.state.unresolved
	opts.Events = func(e event.Event) {
		logEvent(e)
		s.manager.Event(e)
	}
	return opts, nil
}

// warn returns a function that logs an error as a warning, in the log of the
// configuration that is in force then.
func (s *service) warn(component string) func(error) {
	return func(err error) { s.log.Load().Warn(err.Error(), "component", component) }
}

// warnOfConfig logs what is doubtful in the configuration.
func (s *service) warnOfConfig() {
	for _, w := range s.cfg.Warnings {
		s.warn("config")(w)
	}
}

// say writes to standard error what was asked for, as consul-template does
// besides its log (COMPAT 4.8). A log in JSON has it as a line of its own.
func (s *service) say(plain, logged string) {
	if s.cfg.Log.Format == "json" {
		s.log.Load().Info(logged, "component", "cli")
		return
	}
	fmt.Fprintln(s.stderr, plain)
}
