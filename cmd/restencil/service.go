package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/logging"
	"restencil/cmd/restencil/systemd"
	"restencil/runner"
	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/runner/status"
	"restencil/watch"
	"restencil/watch/vault"
)

// A service is a program that renders, from its start to its end. All of it
// belongs to the goroutine of serve, until that starts control; then what
// control uses is control's.
type service struct {
	program
	cfg     *config.Config
	log     *logging.Log
	manager *systemd.Notifier
	vault   *vault.Source
	runner  *runner.Runner
	memory  memory
}

// serve renders until it is done or asked to end, and returns the exit code.
func (p program) serve(cfg *config.Config) int {
	log, err := openLog(cfg, p.stderr)
	if err != nil {
		return p.failed(err)
	}
	s := &service{program: p, cfg: cfg, log: log}
	s.memory.remade = make(chan struct{}, 1)
	defer func() { s.log.Close() }()
	s.greet()
	interrupted, err := s.run()
	switch {
	case err != nil:
		s.log.Error(err.Error(), "component", "cli")
		return exitCode(err)
	case interrupted:
		return exitInterrupted
	}
	return 0
}

// greet logs what is being run, and what is doubtful about how.
func (s *service) greet() {
	s.log.Info(s.version())
	for _, w := range s.cfg.Warnings {
		s.log.Warn(w.Error(), "component", "config")
	}
}

// run makes the runner and runs it, under control of the signals.
func (s *service) run() (interrupted bool, err error) {
	s.manager = serviceManager(s.cfg, s.log.Logger)
	defer s.manager.Close()
	defer s.manager.Stopping()
	s.memory.log.Store(s.log)
	s.stdout.OnLost(func(lines int) []byte {
		s.memory.log.Load().Warn(fmt.Sprintf("standard output was not read: %d lines that commands printed were dropped", lines), "component", "logging")
		return nil
	})
	if !s.cfg.Once && !s.cfg.Dry {
		s.stdout.Free() // what commands print does not hold up the others
	}
	srcs, err := s.sources(s.cfg)
	if err != nil {
		return false, err
	}
	defer s.memory.close()
	opts, err := s.options(s.cfg, s.log)
	if err != nil {
		return false, err
	}
	if s.runner, err = runner.New(opts, watch.New(srcs)); err != nil || s.cfg.ParseOnly {
		return false, err
	}
	removePid, err := writePid(s.cfg.Process.PidFile, s.log.Logger)
	if err != nil {
		return false, err
	}
	defer removePid()
	interrupted, err = s.runControlled()
	if err == nil || isChildExit(err) {
		s.revoke()
	}
	return interrupted, err
}

// isChildExit tells whether Run ended because the child did: nobody is there any
// more to use what was rendered.
func isChildExit(err error) bool {
	var exit *process.ChildExit
	return errors.As(err, &exit)
}

// options returns the runner's, with all that it needs from the system.
func (s *service) options(cfg *config.Config, log *logging.Log) (runner.Options, error) {
	opts, err := cfg.Runner()
	if err != nil {
		return opts, err
	}
	tell := status.Log(log.Logger)
	opts.Stdout, opts.Stderr = s.stdout, s.stderr
	opts.Heartbeat = s.manager.Heartbeat()
	opts.Journal = s.remember(cfg, opts)
	opts.Unresolved = s.memory.unresolved
	opts.Events = func(e event.Event) {
		tell(e)
		s.manager.Event(e)
	}
	return opts, nil
}

func (s *service) runControlled() (interrupted bool, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	var control sync.WaitGroup
	control.Go(func() {
		if s.control(ctx) {
			interrupted = true
			s.stdout.Free()
			s.cleaningUp()
			s.manager.Stopping()
			cancel()
		}
	})
	err = s.runner.Run(ctx)
	cancel()
	control.Wait()
	return interrupted, err
}

// cleaningUp says that the program was asked to end (COMPAT 4.8).
func (s *service) cleaningUp() { s.say("Cleaning up...", "cleaning up") }

// say tells on standard error what was asked for, as consul-template does
// besides its log. Whoever reads a log in JSON wants nothing else than that.
func (s *service) say(plain, logged string) {
	if s.cfg.Log.Format == "json" {
		s.log.Info(logged, "component", "cli")
		return
	}
	fmt.Fprintln(s.stderr, plain)
}
