package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/logging"
	"restencil/cmd/restencil/progress"
	"restencil/cmd/restencil/systemd"
	"restencil/runner"
	"restencil/runner/diff"
	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/runner/status"
	"restencil/runner/status/eventlog"
	"restencil/runner/status/web"
	"restencil/watch"
	"restencil/watch/vault"
)

// A service is a program that renders. Its fields belong to the goroutine of serve,
// and after that starts control, those that control uses belong to control's. Only
// log is used by all.
type service struct {
	program
	cfg      *config.Config
	log      *logging.Log
	manager  *systemd.Notifier
	vaults   map[watch.Store]*vault.Source // those that were made last
	runner   *runner.Runner
	model    *status.Model
	state    state
	views    views
	http     httpServer
	progress *progress.Progress // nil: it is not shown
	plans    []diff.Plan        // of -diff
	shadow   shadow             // of -shadow

	rendered func() // to be called when the first files are in place
}

// serve renders until it is done or asked to end, and returns the exit code.
func (p program) serve(ctx context.Context, cfg *config.Config) int {
	shown, stderr := p.newProgress(cfg), io.Writer(p.stderr)
	if shown != nil {
		stderr = shown.Above(p.stderr)
	}
	log, err := openLog(cfg, stderr)
	if err != nil {
		return p.failed(err)
	}
	defer log.Close()
	s := &service{progress: shown, program: p, cfg: cfg, log: log, rendered: tuneCollector()}
	// What libraries such as net/http print is for debugging.
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(log.Logger)
	log.Info(s.version())
	s.logConfigWarnings()
	interrupted, err := s.run(ctx)
	if shown != nil && !cfg.Diff {
		fmt.Fprint(p.stderr, shown.Summary())
	}
	switch {
	case err != nil:
		log.Error(err.Error(), "component", "cli")
		if cfg.Diff {
			return exitDiffFailed
		}
		return exitCode(err)
	case cfg.Shadow:
		return s.shadow.end(p.stdout, s.cfg.Templates)
	case interrupted:
		return exitInterrupted
	case cfg.Diff:
		return p.printPlans(s.plans)
	}
	return 0
}

// newProgress returns what shows how a run with -once gets on: at a terminal, with the
// default log, where no program is run beside. Else it returns nil.
func (p program) newProgress(cfg *config.Config) *progress.Progress {
	term, _ := cfg.LookupEnv("TERM")
	if !p.terminal || term == "dumb" || !cfg.Once || cfg.Dry && !cfg.Diff || cfg.Shadow || cfg.ParseOnly ||
		cfg.IsSet("log_level") || cfg.Log.Format == "json" || setting.IsCommand(cfg.Exec.Args) {
		return nil
	}
	return progress.New(p.stderr)
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

// run makes the runner and runs it until it is done, or until control ends it.
func (s *service) run(ctx context.Context) (interrupted bool, err error) {
	getenv := func(name string) string {
		value, _ := s.cfg.LookupEnv(name)
		return value
	}
	s.manager = systemd.New(getenv, s.warner("cli"))
	defer s.manager.Close()
	defer s.manager.Stopping()
	s.stdout.OnLost(func(lines int) []byte {
		s.warn("logging", fmt.Errorf("standard output was not read: %d lines that commands printed were dropped", lines))
		return nil
	})
	if !s.cfg.Once && !s.cfg.Dry {
		s.freeStdout() // a command whose output is not read does not block the others
	}
	s.model = status.New(time.Now())
	sources, err := s.sources(s.cfg, nil)
	if err != nil {
		return false, err
	}
	s.keepVaults(sources)
	defer s.state.close()
	opts, err := s.options(s.cfg, s.log)
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

	// Control decides what a signal means, so that it does not end ctx here.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer s.http.close()
	s.serveHTTP(ctx)
	var control sync.WaitGroup
	control.Go(func() {
		if s.control(ctx) {
			interrupted = true
			s.freeStdout()
			s.say("Cleaning up...", "cleaning up")
			s.manager.Stopping()
			cancel()
		}
	})
	if s.progress != nil {
		control.Go(func() {
			s.progress.Run(ctx, func() status.Status { return s.model.Snapshot(time.Now(), nil) })
		})
	}
	err = s.runner.Run(ctx)
	cancel()
	control.Wait()

	// When the child has ended, nobody uses the rendered files any more. With -once,
	// others read them later, so the leases stay. Nobody uses those of a diff.
	_, childEnded := errors.AsType[*process.ChildExit](err)
	s.revoke(ctx, func(store watch.Store) bool {
		return s.cfg.Diff || !s.cfg.Once && (err == nil || childEnded) && s.cfg.Reaches()[store].RevokeOnExit
	})
	return interrupted, err
}

// options returns the options of the runner. It logs events to log.
func (s *service) options(cfg *config.Config, log *logging.Log) (runner.Options, error) {
	opts, err := cfg.Runner()
	if err != nil {
		return opts, err
	}
	opts.Words = runner.Words{Local: cfg.Consul.Local, ConsulTemplate: s.name == consulTemplate}
	logEvent := eventlog.Log(log.Logger, eventlog.Options{Local: cfg.Consul.Local != "", ConsulTemplate: opts.ConsulTemplate})
	opts.Stdout, opts.Stderr, opts.Warn = s.stdout, s.stderr, s.warner("config")
	if level := max(slog.LevelInfo, logging.Level(cfg.Log.Level)); cfg.Log.Format == "json" {
		opts.CommandOutput = func(args []string, line string) {
			s.log.Log(context.Background(), level, line, "component", "command", "command", strings.Join(args, " "))
		}
	}
	switch {
	case cfg.Shadow:
		settle := shadowSettle(opts)
		opts.Plan = func(plans []diff.Plan, err error) time.Duration { return s.compare(plans, err, settle) }
	case cfg.Diff:
		opts.Plan = func(plans []diff.Plan, _ error) time.Duration {
			s.plans = plans
			return 0
		}
	}
	if s.progress != nil {
		opts.Stdout, opts.Stderr = s.progress.Above(s.stdout), s.progress.Above(s.stderr)
	}
	opts.Heartbeat = s.manager.Heartbeat
	if cfg.Status.Address != "" && (opts.Heartbeat == 0 || opts.Heartbeat > web.Heartbeat) {
		opts.Heartbeat = web.Heartbeat
	}
	opts.State.Journal = s.journalFor(cfg, opts)
	opts.State.Unresolved = s.state.unresolved
	if opts.State.Fleet, err = fleets(cfg); err != nil {
		return opts, err
	}
	opts.Events = func(e event.Event) {
		if _, waits := e.(event.Waiting); s.progress == nil || !waits { // which is shown
			logEvent(e)
		}
		if s.progress != nil {
			s.progress.Apply(e)
		}
		s.manager.Event(e)
		s.seen(e)
		if _, ready := e.(event.Ready); ready {
			s.rendered()
		}
	}
	return opts, nil
}

// seen has the status show an event. It may be called from any goroutine.
func (s *service) seen(e event.Event) {
	s.model.Apply(time.Now(), e)
	s.http.event(e)
}

func (s *service) warn(component string, err error) {
	s.log.Warn(err.Error(), "component", component)
}

func (s *service) warner(component string) func(error) {
	return func(err error) { s.warn(component, err) }
}

func (s *service) logConfigWarnings() {
	for _, w := range s.cfg.Warnings {
		s.warn("config", w)
	}
}

// say acknowledges a signal on standard error, as consul-template does besides its
// log (COMPAT 4.8). A log in JSON has the line that is given for it.
func (s *service) say(plain, logged string) {
	if s.cfg.Log.Format == "json" {
		s.log.Info(logged, "component", "cli")
		return
	}
	fmt.Fprintln(s.stderr, plain)
}
