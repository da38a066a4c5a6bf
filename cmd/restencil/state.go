package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/control"
	"restencil/cmd/restencil/statedir"
	"restencil/runner"
	"restencil/runner/journal"
	"restencil/watch/schedule"
)

// A state is what a service keeps in its state directory, and the socket
// there. It belongs to whoever the service belongs to.
type state struct {
	dir        string
	journal    *journal.Journal // nil: nothing is remembered
	failed     bool             // opening the journal failed; it is not tried again
	unresolved bool             // see runner.State

	bundles   bool // there are some
	listening bool // at the socket
	serving   sync.WaitGroup
	remade    schedule.Wakeup // the directory was made again, and the socket is gone
}

// remember returns the journal for what is run, nil where there is none or
// nothing to remember: that is files that come with a command, or with others.
// Where it cannot be had, the log says why, and all goes on without it. Once
// open it stays the same until the process ends.
func (s *service) remember(cfg *config.Config, opts runner.Options) *journal.Journal {
	st := &s.state
	st.bundles = len(opts.Bundles) > 0
	memorable := slices.ContainsFunc(opts.Templates, func(t runner.Template) bool {
		return t.Bundle != "" || len(t.Command.Args) > 0
	})
	if cfg.Once || cfg.Dry || cfg.ParseOnly || st.failed || !memorable {
		return st.journal
	}
	dir := statedir.Of(cfg)
	switch {
	case st.journal != nil && dir != st.dir:
		s.warn("cli", fmt.Errorf("the state directory stays %s until a restart", st.dir))
	case st.journal == nil && dir != "":
		st.dir = dir
		if root, own := statedir.Root(cfg); cfg.State.Dir == "" && !own {
			removed, err := statedir.Prune(root, statedir.UnusedFor)
			for _, gone := range removed {
				s.warn("cli", fmt.Errorf("removed the state directory %s: its configuration is gone, and it was not used for 30 days", gone))
			}
			if err != nil {
				s.warn("cli", fmt.Errorf("cannot remove a state directory that nobody uses: %w", err))
			}
		}
		var err error
		if st.journal, err = s.openJournal(cfg.State.History, statedir.Owner(cfg)); err != nil {
			st.failed = true
			s.warn("cli", fmt.Errorf("nothing is remembered across restarts: %w", err))
		}
	}
	return st.journal
}

// openJournal opens the journal and puts right what a crash has cut in two.
func (s *service) openJournal(generations int, owner []string) (*journal.Journal, error) {
	st := &s.state
	st.remade = schedule.NewWakeup()
	j := journal.New(st.dir, journal.Options{
		Generations: generations,
		Owner:       owner,
		Warn:        s.warner("cli"),
		Remade:      st.remade.Wake,
	})
	if err := j.Claim(); errors.Is(err, journal.ErrInUse) { // of other errors, those who write tell
		j.Close()
		return nil, err
	}
	recovered, err := j.Recover()
	for _, r := range recovered {
		done, files := "undone", strings.Join(r.Files, ", ")
		if r.Completed {
			done = "completed"
		}
		if r.Err != nil {
			st.unresolved = true
			s.warn("cli", fmt.Errorf("a change of bundle %q that was cut in two could not be %s (%s): %w", r.Bundle, done, files, r.Err))
			continue
		}
		s.warn("cli", fmt.Errorf("a change of bundle %q that was cut in two was %s: %s", r.Bundle, done, files))
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
	st := &s.state
	if st.journal == nil || st.listening || !st.bundles {
		return
	}
	server, err := control.Listen(st.dir)
	if err != nil {
		s.warn("cli", fmt.Errorf("accept and rollback cannot reach this process: %w", err))
		return
	}
	st.listening = true
	st.serving.Go(func() { server.Serve(ctx, s.runner) })
}

// close ends what listen and remember began. The context of listen has ended.
func (st *state) close() {
	st.serving.Wait()
	if st.journal != nil {
		_ = st.journal.Close() // all is on stable storage
	}
}
