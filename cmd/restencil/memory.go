package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/control"
	"restencil/cmd/restencil/logging"
	"restencil/runner"
	"restencil/runner/journal"
)

// A memory is what a service keeps in its state directory, and the socket
// there. It belongs to whoever the service belongs to.
type memory struct {
	dir     string
	journal *journal.Journal            // nil: nothing is remembered
	failed  bool                        // opening was tried in vain; it is not tried again
	log     atomic.Pointer[logging.Log] // where the journal's warnings go

	unresolved bool // see runner.Options

	bundles bool            // there are some
	server  *control.Server // nil: nothing listens
	serving sync.WaitGroup
	remade  chan struct{} // capacity 1: the directory was, and the socket is gone
}

// remember returns the journal for what is run, nil where there is none or
// nothing to remember. Where it cannot be had, the log says why, and all goes
// on without it. Once open it stays the same until the process ends.
func (s *service) remember(cfg *config.Config, opts runner.Options) *journal.Journal {
	m := &s.memory
	m.bundles = len(opts.Bundles) > 0
	if cfg.Once || cfg.Dry || cfg.ParseOnly || m.failed || !memorable(opts) {
		return m.journal
	}
	dir := stateDir(cfg)
	switch {
	case m.journal != nil && dir != m.dir:
		s.warn(fmt.Sprintf("the state directory stays %s until a restart", m.dir))
	case m.journal == nil && dir != "":
		m.dir = dir
		m.journal = s.openJournal(dir, cfg.State.History)
		m.failed = m.journal == nil
	}
	return m.journal
}

// memorable tells whether there is anything to remember: files that come with
// a command, or with others.
func memorable(opts runner.Options) bool {
	for _, t := range opts.Templates {
		if t.Bundle != "" || len(t.Command.Args) > 0 {
			return true
		}
	}
	return false
}

// openJournal opens the journal and puts right what a crash has cut in two.
func (s *service) openJournal(dir string, generations int) *journal.Journal {
	j, err := journal.Open(dir, journal.Options{
		Generations: generations,
		Warn:        func(err error) { s.memory.log.Load().Warn(err.Error(), "component", "cli") },
		Remade: func() {
			select {
			case s.memory.remade <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		s.warn("nothing is remembered across restarts: " + err.Error())
		return nil
	}
	recovered, err := j.Recover()
	for _, r := range recovered {
		s.warn(recovery(r))
		s.memory.unresolved = s.memory.unresolved || r.Err != nil
	}
	if err != nil {
		s.warn("nothing is remembered across restarts: " + err.Error())
		j.Close()
		return nil
	}
	return j
}

// recovery says what was put right for a bundle.
func recovery(r journal.Recovery) string {
	done := "undone"
	if r.Completed {
		done = "completed"
	}
	files := strings.Join(r.Files, ", ")
	if r.Err != nil {
		return fmt.Sprintf("a change of bundle %q that was cut in two could not be %s (%s): %v", r.Bundle, done, files, r.Err)
	}
	return fmt.Sprintf("a change of bundle %q that was cut in two was %s: %s", r.Bundle, done, files)
}

// listen has people's requests served until ctx ends, once there are bundles
// that they can be about.
func (s *service) listen(ctx context.Context) {
	m := &s.memory
	if m.journal == nil || m.server != nil || !m.bundles {
		return
	}
	server, err := control.Listen(m.dir)
	if err != nil {
		s.warn("accept and rollback cannot reach this process: " + err.Error())
		return
	}
	m.server = server
	m.serving.Go(func() { server.Serve(ctx, s.runner) })
}

// listenAgain is listen for a directory that was made anew.
func (s *service) listenAgain(ctx context.Context) {
	if s.memory.server != nil {
		s.memory.server = nil // the other one goes on until ctx ends, and nobody finds it
		s.listen(ctx)
	}
}

// close ends what listen and remember began. The context of listen has ended.
func (m *memory) close() {
	m.serving.Wait()
	if m.journal != nil {
		_ = m.journal.Close() // all is on stable storage
	}
}

func (s *service) warn(text string) { s.log.Warn(text, "component", "cli") }
