package main

import (
	"context"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/logging"
	"restencil/watch"
	"restencil/watch/filewatch"
	"restencil/watch/vault"
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
		case <-s.memory.remade:
			s.listenAgain(ctx)
		case sig := <-s.signals:
			if sig == syscall.SIGTERM || sig == os.Interrupt {
				s.stdout.Free()
			}
			switch {
			case sig == s.cfg.Process.ReloadSignal:
				s.reload(ctx)
			case sig == s.cfg.Process.KillSignal:
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

// replace has a new configuration put in force, or an error and nothing changed:
// all that can be wrong with it is found out first.
func (s *service) replace(ctx context.Context) error {
	cfg, err := config.Parse(s.args, s.environ)
	if err != nil {
		return err
	}
	log, err := openLog(cfg, s.stderr)
	if err != nil {
		return err
	}
	if err := s.replaceWith(ctx, cfg, log); err != nil {
		log.Close()
		return err
	}
	s.memory.log.Store(log)
	s.log.Close()
	s.cfg, s.log = cfg, log
	s.listen(ctx)
	for _, w := range cfg.Warnings {
		s.log.Warn(w.Error(), "component", "config")
	}
	return nil
}

func (s *service) replaceWith(ctx context.Context, cfg *config.Config, log *logging.Log) error {
	sources, err := s.sourcesInstead(cfg)
	if err != nil {
		return err
	}
	opts, err := s.options(cfg, log)
	if err != nil {
		return err
	}
	if err := s.runner.Reload(ctx, opts, sources); err != nil {
		return err
	}
	if v, ok := sources[watch.Vault].(*vault.Source); ok {
		s.vault = v
	}
	return nil
}

// settle is how long the files of the configuration must not have changed
// before they are read: what changes several of them is one change.
const settle = 100 * time.Millisecond

// followed are the files of the configuration that are watched.
type followed struct {
	changed chan struct{} // capacity 1: look again
	watcher *filewatch.Watcher
	paths   []string // that it watches
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// followFiles watches the files of the configuration, if that is asked for.
func (s *service) followFiles(ctx context.Context) *followed {
	f := &followed{
		changed: make(chan struct{}, 1),
		watcher: filewatch.New(filewatch.Options{Settle: settle, Trees: true}),
	}
	ctx, f.cancel = context.WithCancel(ctx)
	if s.cfg.Process.WatchConfig {
		f.update(s.cfg)
		f.done.Go(func() { f.watcher.Run(ctx, f.report) })
	}
	return f
}

// update has the files of cfg watched, and no others.
func (f *followed) update(cfg *config.Config) {
	before := f.paths
	f.paths = slices.Concat(cfg.Paths, cfg.Sources())
	for _, path := range f.paths {
		if !slices.Contains(before, path) {
			f.watcher.Add(path)
		}
	}
	for _, path := range before {
		if !slices.Contains(f.paths, path) {
			f.watcher.Remove(path)
		}
	}
}

// report is a filewatch.Report. What was only just added has been read.
func (f *followed) report(_, changed []string) (failed []string) {
	if len(changed) > 0 {
		select {
		case f.changed <- struct{}{}:
		default:
		}
	}
	return nil
}

func (f *followed) stop() {
	f.cancel()
	f.done.Wait()
}
