package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/control"
	"restencil/runner"
	"restencil/runner/journal"
)

// A memory is what a service keeps in its state directory, and the socket
// there. It belongs to whoever the service belongs to.
type memory struct {
	dir        string
	journal    *journal.Journal // nil: nothing is remembered
	failed     bool             // opening the journal failed; it is not tried again
	unresolved bool             // see runner.Options

	bundles   bool // there are some
	listening bool // at the socket
	serving   sync.WaitGroup
	remade    chan struct{} // capacity 1: the directory was made again, and the socket is gone
}

// remember returns the journal for what is run, nil where there is none or
// nothing to remember: that is files that come with a command, or with others.
// Where it cannot be had, the log says why, and all goes on without it. Once
// open it stays the same until the process ends.
func (s *service) remember(cfg *config.Config, opts runner.Options) *journal.Journal {
	m := &s.memory
	m.bundles = len(opts.Bundles) > 0
	memorable := slices.ContainsFunc(opts.Templates, func(t runner.Template) bool {
		return t.Bundle != "" || len(t.Command.Args) > 0
	})
	if cfg.Once || cfg.Dry || cfg.ParseOnly || m.failed || !memorable {
		return m.journal
	}
	dir := stateDir(cfg)
	switch {
	case m.journal != nil && dir != m.dir:
		s.warn("cli")(fmt.Errorf("the state directory stays %s until a restart", m.dir))
	case m.journal == nil && dir != "":
		m.dir = dir
		var err error
		if m.journal, err = s.openJournal(cfg.State.History); err != nil {
			m.failed = true
			s.warn("cli")(fmt.Errorf("nothing is remembered across restarts: %w", err))
		}
	}
	return m.journal
}

// openJournal opens the journal and puts right what a crash has cut in two.
func (s *service) openJournal(generations int) (*journal.Journal, error) {
	m := &s.memory
	m.remade = make(chan struct{}, 1)
	j, err := journal.Open(m.dir, journal.Options{
		Generations: generations,
		Warn:        s.warn("cli"),
		Remade:      func() { wake(m.remade) },
	})
	if err != nil {
		return nil, err
	}
	recovered, err := j.Recover()
	for _, r := range recovered {
		done, files := "undone", strings.Join(r.Files, ", ")
		if r.Completed {
			done = "completed"
		}
		if r.Err != nil {
			m.unresolved = true
			s.warn("cli")(fmt.Errorf("a change of bundle %q that was cut in two could not be %s (%s): %w", r.Bundle, done, files, r.Err))
			continue
		}
		s.warn("cli")(fmt.Errorf("a change of bundle %q that was cut in two was %s: %s", r.Bundle, done, files))
	}
	if err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

// listen has people's requests served until ctx ends, once there are bundles
// that they can be about.
func (s *service) listen(ctx context.Context) {
	m := &s.memory
	if m.journal == nil || m.listening || !m.bundles {
		return
	}
	server, err := control.Listen(m.dir)
	if err != nil {
		s.warn("cli")(fmt.Errorf("accept and rollback cannot reach this process: %w", err))
		return
	}
	m.listening = true
	m.serving.Go(func() { server.Serve(ctx, s.runner) })
}

// close ends what listen and remember began. The context of listen has ended.
func (m *memory) close() {
	m.serving.Wait()
	if m.journal != nil {
		_ = m.journal.Close() // all is on stable storage
	}
}
