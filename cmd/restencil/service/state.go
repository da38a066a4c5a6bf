package service

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
	"restencil/runner/status/web"
	"restencil/watch/schedule"
)

// A state is a service's use of its state directory: the journal and the control
// socket. It belongs to the goroutine that the service belongs to.
type state struct {
	dir        string
	journal    *journal.Journal // nil: there is none
	failed     bool             // opening the journal failed; it is not tried again
	unresolved bool             // see runner.State

	listening bool // on the socket
	serving   sync.WaitGroup
	remade    schedule.Wakeup // the directory was made again, without the socket
}

// journalFor returns the journal for a configuration, nil where it cannot be opened.
// The log says why, if a template has a command or belongs to a bundle. Once open, it
// stays the same until the process ends. With -diff it can only be read.
func (s *service) journalFor(ctx context.Context, cfg *config.Config, opts runner.Options) *journal.Journal {
	st := &s.state
	if dir := statedir.Of(cfg); cfg.Diff && dir != "" { // it has which files were made for elements
		return journal.New(dir, journal.Options{ReadOnly: true})
	}
	if cfg.Once || cfg.Dry || cfg.ParseOnly || st.failed {
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
				s.warn("cli", fmt.Errorf("cannot remove an unused state directory: %w", err))
			}
		}
		var err error
		if st.journal, err = s.openJournal(ctx, cfg.State.History, statedir.Owner(cfg)); err != nil {
			st.failed = true
			// Otherwise the directory is for the control socket alone.
			remembers := func(t runner.Template) bool { return t.Bundle != "" || len(t.Command.Args) > 0 }
			if slices.ContainsFunc(opts.Templates, remembers) {
				s.warn("cli", fmt.Errorf("nothing is remembered across restarts: %w", err))
			}
		}
	}
	return st.journal
}

// openJournal opens the journal and recovers the changes that a crash interrupted.
func (s *service) openJournal(ctx context.Context, generations int, owner []string) (*journal.Journal, error) {
	st := &s.state
	st.remade = schedule.NewWakeup()
	j := journal.New(st.dir, journal.Options{
		Generations: generations,
		Owner:       owner,
		Warn:        s.warner("cli"),
		Remade:      st.remade.Wake,
	})
	if err := j.Claim(ctx); errors.Is(err, journal.ErrInUse) { // other errors are reported when something is written
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
			s.warn("cli", fmt.Errorf("bundle %q: an interrupted change could not be %s (%s): %w", r.Bundle, done, files, r.Err))
			continue
		}
		s.warn("cli", fmt.Errorf("bundle %q: an interrupted change was %s: %s", r.Bundle, done, files))
	}
	if err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

// listen serves requests on the control socket until ctx ends. It does so once.
func (s *service) listen(ctx context.Context) {
	st := &s.state
	if st.journal == nil || st.listening {
		return
	}
	socket, err := control.Listen(st.dir)
	if err != nil {
		s.warn("cli", fmt.Errorf("commands such as status cannot reach this process: %w", err))
		return
	}
	st.listening = true
	server := web.New(web.Options{Daemon: s.daemon(), Private: true})
	st.serving.Go(func() { server.Serve(ctx, socket) })
}

// close waits for listen, whose context has ended, and closes the journal.
func (st *state) close() {
	st.serving.Wait()
	if st.journal != nil {
		_ = st.journal.Close() // everything is on stable storage
	}
}
