// Package service runs the runner for a command line: with its log, its sources, its
// state directory, the socket and the HTTP server that show its status, and what signals
// and changed files ask for.
package service

import (
	"context"
	"encoding/json"
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
	"restencil/runner/status/model"
	"restencil/runner/status/web"
	"restencil/watch"
	"restencil/watch/vault"
)

// A service is a Program that renders. Its fields belong to the goroutine of serve,
// and after that starts control, those that control uses belong to control's. Only
// log is used by all.
type service struct {
	Program
	cfg      *config.Config
	read     *config.Config // the newest that was read: it is not cfg after a reload that failed
	log      *logging.Log
	manager  *systemd.Notifier
	vaults   map[watch.Store]*vault.Source // those that were made last
	runner   *runner.Runner
	model    *model.Model
	state    state
	views    views
	http     httpServer
	progress *progress.Progress // nil: it is not shown
	plans    []diff.Plan        // of -diff
	shadow   shadow             // of -shadow

	rendered func() // to be called when the first files are in place
}

// Serve renders until it is done or asked to end, and returns the exit code.
func (p Program) Serve(ctx context.Context, cfg *config.Config) int {
	shown, stderr := p.newProgress(cfg), io.Writer(p.Stderr)
	if shown != nil {
		stderr = shown.Above(p.Stderr)
	}
	log, err := openLog(cfg, stderr)
	if err != nil {
		return p.Failed(err)
	}
	defer log.Close()
	s := &service{progress: shown, Program: p, cfg: cfg, read: cfg, log: log}
	s.views = views{newShared[status.Status](), newShared[json.RawMessage]()}
	// What libraries such as net/http print is for debugging.
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(log.Logger)
	log.Info(s.Version())
	s.logConfigWarnings()
	interrupted, err := s.run(ctx)
	if shown != nil && !cfg.Diff {
		fmt.Fprint(p.Stderr, shown.Summary())
	}
	switch {
	case err != nil:
		log.Error(err.Error(), "component", "cli")
		if cfg.Diff {
			return ExitDiffFailed
		}
		return ExitCode(err)
	case cfg.Shadow:
		return s.shadow.end(p.Stdout, s.cfg.Templates)
	case interrupted:
		return ExitInterrupted
	case cfg.Diff:
		return p.printPlans(s.plans)
	}
	return 0
}

// newProgress returns what shows how a run with -once gets on: at a terminal, with the
// default log, where no program is run beside. Else it returns nil.
func (p Program) newProgress(cfg *config.Config) *progress.Progress {
	term, _ := cfg.LookupEnv("TERM")
	if !p.Terminal || term == "dumb" || !cfg.Once || cfg.Dry && !cfg.Diff || cfg.Shadow || cfg.ParseOnly ||
		cfg.IsSet("log_level") || cfg.Log.Format == "json" || setting.IsCommand(cfg.Exec.Args) {
		return nil
	}
	return progress.New(p.Stderr)
}

// openLog opens the log that cfg asks for, besides standard error.
func openLog(cfg *config.Config, stderr io.Writer) (*logging.Log, error) {
	o := cfg.Log.Options
	o.Stderr = stderr
	log, err := logging.Open(o)
	if err != nil {
		return nil, &config.Error{Code: config.ExitConfig, Err: err}
	}
	return log, nil
}

// run makes the runner and runs it until it is done, or until control ends it.
func (s *service) run(ctx context.Context) (interrupted bool, err error) {
	s.model = model.New(time.Now())
	s.manager = systemd.New(setting.Environment(s.Environ).Get, s.model.Summary, s.warner("cli"))
	defer s.manager.Close()
	defer s.manager.Stopping()
	s.Stdout.OnLost(func(lines int) []byte {
		s.warn("logging", fmt.Errorf("standard output was not read: %d lines that commands printed were dropped", lines))
		return nil
	})
	if !s.cfg.Once && !s.cfg.Dry {
		s.FreeStdout() // a command whose output is not read does not block the others
	}
	sources, err := s.sources(s.cfg, nil)
	if err != nil {
		return false, err
	}
	s.keepVaults(sources)
	defer s.state.close()
	opts, err := s.options(ctx, s.cfg, s.log)
	if err != nil {
		return false, err
	}
	text := 0
	for _, t := range opts.Templates {
		text += len(t.Options.Text)
	}
	s.rendered = tuneCollector(text)
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
			s.FreeStdout()
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
func (s *service) options(ctx context.Context, cfg *config.Config, log *logging.Log) (runner.Options, error) {
	opts, err := cfg.Runner()
	if err != nil {
		return opts, err
	}
	opts.Words = runner.Words{Local: cfg.Consul.Local, ConsulTemplate: s.Name == ConsulTemplate}
	logEvent := eventlog.Log(log.Logger, eventlog.Options{Local: cfg.Consul.Local != "", ConsulTemplate: opts.ConsulTemplate})
	opts.Stdout, opts.Stderr, opts.Warn = s.Stdout, s.Stderr, s.warner("config")
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
		opts.Stdout, opts.Stderr = s.progress.Above(s.Stdout), s.progress.Above(s.Stderr)
	}
	opts.Heartbeat = s.manager.Heartbeat
	if cfg.Status.Address != "" && (opts.Heartbeat == 0 || opts.Heartbeat > web.Heartbeat) {
		opts.Heartbeat = web.Heartbeat
	}
	opts.State.Journal = s.journalFor(ctx, cfg, opts)
	opts.State.Unresolved = s.state.unresolved
	if opts.State.Fleet, err = fleets(cfg); err != nil {
		return opts, err
	}
	opts.Events = func(e event.Event) {
		// Who reads the log looks at the status.
		s.seen(e)
		if _, waits := e.(event.Waiting); s.progress == nil || !waits { // which is shown
			logEvent(e)
		}
		if s.progress != nil {
			s.progress.Apply(e)
		}
		s.manager.Event(e)
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
	if v := s.cfg.Exec.Variables; len(v) > 0 && !setting.IsCommand(s.cfg.Exec.Args) {
		s.warn("config", fmt.Errorf("%s: env_template %q has no effect: exec says no command (restencil env runs one that it is given)", v[0].At, v[0].Name))
	}
}

// say acknowledges a signal on standard error, as consul-template does besides its
// log (COMPAT 4.8). A log in JSON has the line that is given for it.
func (s *service) say(plain, logged string) {
	if s.cfg.Log.Format == "json" {
		s.log.Info(logged, "component", "cli")
		return
	}
	fmt.Fprintln(s.Stderr, plain)
}
