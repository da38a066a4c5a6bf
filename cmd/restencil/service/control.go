package service

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"restencil/runner/event"
	"restencil/watch/filewatch"
	"restencil/watch/schedule"
)

// settle is how long files must stay unchanged before they are read again, so that
// a change of several files causes one reload.
const settle = 100 * time.Millisecond

// control handles signals and changed files until ctx ends, or until a signal asks
// the program to end; then it returns true. It watches templates with -watch-config
// and with -local, and the configuration with -watch-config. A signal has the first
// meaning of COMPAT 4.8 that applies; SIGTERM and SIGINT end the program where they
// have none.
func (s *service) control(ctx context.Context) (end bool) {
	added, changed := schedule.NewWakeup(), schedule.NewWakeup() // paths that are watched
	watcher := filewatch.New(filewatch.Options{Settle: settle, Trees: true, Whole: true})
	following := s.cfg.Process.WatchConfig || s.cfg.Consul.Local != "" && !s.cfg.Once
	if following {
		ctx, cancel := context.WithCancel(ctx)
		var watching sync.WaitGroup
		defer watching.Wait()
		defer cancel()
		watching.Go(func() {
			watcher.Run(ctx, func(begun, files []string) (failed []string) {
				if len(begun) > 0 {
					added.Wake()
				}
				if len(files) > 0 {
					changed.Wake()
				}
				return nil
			})
		})
	}
	s.listen(ctx)
	for {
		if following {
			paths := slices.Concat(s.cfg.Sources(), s.read.Sources())
			if s.cfg.Process.WatchConfig {
				paths = slices.Concat(s.cfg.Paths, paths)
			}
			watcher.Set(paths)
		}
		select {
		case <-ctx.Done():
			return false
		case <-added:
			if s.outdated() { // they changed before they were watched
				s.reload(ctx, false)
			}
		case <-changed:
			s.reload(ctx, false)
		case <-s.state.remade:
			if s.state.listening {
				s.state.listening = false // the other socket is served until ctx ends, and nobody finds it
				s.listen(ctx)
			}
		case sig := <-s.Signals:
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

// outdated reports whether the files are not as they were read last.
func (s *service) outdated() bool {
	cfg, err := s.Parse()
	if err != nil {
		return true
	}
	cfg.Files.Opened = s.read.Files.Opened
	_, _ = cfg.Runner() // whose error is known, where the files are the same
	return !cfg.Files.Same(&s.read.Files)
}

// reload reads the configuration again and uses it. If that fails, the log says why,
// and the old configuration stays in use. requested reports whether a signal asked
// for it, rather than a changed file.
func (s *service) reload(ctx context.Context, requested bool) {
	s.say("Reloading configuration...", "reloading the configuration")
	s.manager.Reloading()
	defer s.manager.Reloaded()
	err := s.replace(ctx, requested)
	if ctx.Err() != nil {
		return
	}
	s.seen(event.Reloaded{Err: err})
	if err != nil {
		s.log.Error("the new configuration is not used, and the current one stays in use: "+err.Error(), "component", "cli")
	}
}

// replace does the work of reload. It checks everything before it changes anything.
func (s *service) replace(ctx context.Context, requested bool) (err error) {
	cfg, err := s.Parse()
	if err != nil {
		return err
	}
	cfg.Files.Opened = s.read.Files.Opened
	if !requested && len(cfg.Templates) == 0 && len(s.cfg.Templates) > 0 {
		return fmt.Errorf("it has no template any more; send the signal %v to use it nevertheless", s.cfg.Process.ReloadSignal)
	}
	log, err := openLog(cfg, s.Stderr)
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
	opts, err := s.options(ctx, cfg, log)
	s.read = cfg
	if err != nil {
		return err
	}
	if err := s.runner.Reload(ctx, opts, sources); err != nil {
		return err
	}
	s.keepVaults(sources)
	s.log.Replace(log)
	s.cfg = cfg
	s.listen(ctx)
	s.serveHTTP(ctx)
	s.logConfigWarnings()
	return nil
}
