package main

import (
	"context"
	"os"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/filewatch"
	"restencil/watch"
)

// control acts on signals, and with -watch-config on changed files, until ctx
// ends or the program is asked to end; then it returns true. The order of the
// meanings of a signal is that of COMPAT 4.8; SIGTERM and SIGINT end the
// program where they mean nothing else.
func (s *service) control(ctx context.Context) (end bool) {
	f := s.followFiles(ctx)
	defer f.stop()
	s.listen(ctx)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-f.changed:
			s.reload(ctx)
		case sig := <-s.signals:
			switch {
			case sig == s.cfg.ReloadSignal:
				s.reload(ctx)
			case sig == s.cfg.KillSignal:
				return true
			case s.runner.Signal(sig):
			case sig == syscall.SIGTERM, sig == os.Interrupt:
				return true
			}
		}
		f.update(s.cfg)
	}
}

// reload puts a new configuration in force. Where that cannot be, the running
// one goes on, and the log says why.
func (s *service) reload(ctx context.Context) {
	s.say("Reloading configuration...", "reloading the configuration")
	s.manager.Reloading()
	defer s.manager.Reloaded()
	if err := s.replace(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("the new configuration is not used, the running one goes on: "+err.Error(), "component", "cli")
	}
}

func (s *service) replace(ctx context.Context) error {
	cfg, err := config.Parse(s.args, s.environ)
	if err != nil {
		return err
	}
	log, err := openLog(cfg, s.stderr)
	if err != nil {
		return err
	}
	watcher, err := s.watcherFor(cfg)
	if err == nil {
		opts, optsErr := s.options(cfg, log)
		if err = optsErr; err == nil {
			err = s.runner.Reload(ctx, opts, watcher)
		}
	}
	if err != nil {
		log.Close()
		return err
	}
	s.memory.log.Store(log)
	s.log.Close()
	s.cfg, s.log, s.watcher = cfg, log, watcher
	s.listen(ctx)
	for _, w := range cfg.Warnings {
		s.log.Warn(w.Error(), "component", "config")
	}
	return nil
}

// watcherFor returns the watcher in use, unless cfg has the stores reached in
// another way.
func (s *service) watcherFor(cfg *config.Config) (*watch.Watcher, error) {
	if cfg.Local == s.cfg.Local && cfg.Cache == s.cfg.Cache && reflect.DeepEqual(cfg.ConsulOptions(), s.cfg.ConsulOptions()) {
		return s.watcher, nil
	}
	srcs, err := s.sources(cfg)
	if err != nil {
		return nil, err
	}
	return watch.New(srcs), nil
}

// followed are the files of the configuration that are watched.
type followed struct {
	changed chan struct{} // capacity 1: look again
	paths   atomic.Pointer[[]string]
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// followFiles watches the files of the configuration, if that is asked for.
func (s *service) followFiles(ctx context.Context) *followed {
	f := &followed{changed: make(chan struct{}, 1)}
	ctx, f.cancel = context.WithCancel(ctx)
	if !s.cfg.WatchConfig {
		return f
	}
	f.update(s.cfg)
	f.done.Go(func() {
		filewatch.Watch(ctx, func() []string { return *f.paths.Load() }, f.tell)
	})
	return f
}

func (f *followed) update(cfg *config.Config) {
	paths := slices.Concat(cfg.Paths, cfg.Sources())
	f.paths.Store(&paths)
}

func (f *followed) tell() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

func (f *followed) stop() {
	f.cancel()
	f.done.Wait()
}
