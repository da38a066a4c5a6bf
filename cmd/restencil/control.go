package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"restencil/watch"
	"restencil/watch/filewatch"
	"restencil/watch/schedule"
	"restencil/watch/vault"
)

// settle is how long the files of the configuration must not have changed
// before they are read: what changes several of them is one change.
const settle = 100 * time.Millisecond

// control acts on signals, and on changed files where they are watched, until ctx
// ends or the program is asked to end; then it returns true. Templates are watched
// with -watch-config and with -local, and the configuration with -watch-config. The order of the
// meanings of a signal is that of COMPAT 4.8; SIGTERM and SIGINT end the
// program where they mean nothing else.
func (s *service) control(ctx context.Context) (end bool) {
	changed := schedule.NewWakeup()
	watcher := filewatch.New(filewatch.Options{Settle: settle, Trees: true, Whole: true})
	following := s.cfg.Process.WatchConfig || s.cfg.Consul.Local != "" && !s.cfg.Once
	if following {
		ctx, cancel := context.WithCancel(ctx)
		var watching sync.WaitGroup
		defer watching.Wait()
		defer cancel()
		watching.Go(func() {
			watcher.Run(ctx, func(_, files []string) (failed []string) { // what was just added has been read
				if len(files) > 0 {
					changed.Wake()
				}
				return nil
			})
		})
	}
	s.listen(ctx)
	var watched []string
	for {
		if following {
			paths := s.cfg.Sources()
			if s.cfg.Process.WatchConfig {
				paths = slices.Concat(s.cfg.Paths, paths)
			}
			watched = follow(watcher, watched, paths)
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
			s.reload(ctx, false)
		case <-s.state.remade:
			if s.state.listening {
				s.state.listening = false // the other socket is served until ctx ends, and nobody finds it
				s.listen(ctx)
			}
		case sig := <-s.signals:
			if sig == syscall.SIGTERM || sig == os.Interrupt {
				s.stdout.Free()
			}
			switch {
			case sig == s.cfg.Process.ReloadSignal:
				s.reload(ctx, true)
			case sig == s.cfg.Process.KillSignal:
				return true
			case s.runner.Signal(sig):
			case sig == syscall.SIGTERM, sig == os.Interrupt:
				return true
			}
		}
	}
}

// follow has the watcher watch these paths, instead of those that it watches,
// and returns them.
func follow(watcher *filewatch.Watcher, watched, paths []string) []string {
	for _, path := range paths {
		if !slices.Contains(watched, path) {
			watcher.Add(path)
		}
	}
	for _, path := range watched {
		if !slices.Contains(paths, path) {
			watcher.Remove(path)
		}
	}
	return paths
}

// reload puts a new configuration in force, which somebody may have asked for.
// Where that cannot be, the running one goes on, and the log says why.
func (s *service) reload(ctx context.Context, asked bool) {
	s.say("Reloading configuration...", "reloading the configuration")
	s.manager.Reloading()
	defer s.manager.Reloaded()
	if err := s.replace(ctx, asked); err != nil && ctx.Err() == nil {
		s.log.Load().Error("the new configuration is not used, the running one goes on: "+err.Error(), "component", "cli")
	}
}

// replace puts a new configuration in force, or returns an error and has
// changed nothing: all that can be wrong with it is found out first.
func (s *service) replace(ctx context.Context, asked bool) (err error) {
	cfg, err := s.parse()
	if err != nil {
		return err
	}
	if !asked && len(cfg.Templates) == 0 && len(s.cfg.Templates) > 0 {
		return fmt.Errorf("it has no template any more; send the signal %v to use it nevertheless", s.cfg.Process.ReloadSignal)
	}
	log, err := openLog(cfg, s.stderr)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			log.Close()
		}
	}()
	sources, err := s.sources(cfg, s.cfg)
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
	s.log.Swap(log).Close()
	s.cfg = cfg
	s.listen(ctx)
	s.warnOfConfig()
	return nil
}
