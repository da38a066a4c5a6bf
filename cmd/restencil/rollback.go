package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/control"
	"restencil/cmd/restencil/statedir"
	"restencil/renderer"
	"restencil/runner/journal"
	"restencil/runner/journal/history"
	"restencil/runner/transaction"
)

// rollback puts a generation of a bundle's files back. The daemon does it, or without
// a daemon putBack.
func rollback(ctx context.Context, p program, s *subcommand) error {
	dirs, err := s.stateDirs(p.Environ)
	if err != nil {
		return err
	}
	dir, bundle, err := statedir.OfBundle(dirs, s.args[0])
	if err != nil {
		return err
	}
	s.args[0] = bundle
	number, err := s.generation(dir, bundle)
	if err != nil {
		return err
	}
	err = control.Ask(ctx, dir, control.Request{Do: control.Rollback, Bundle: bundle, Generation: number}, nil)
	if errors.Is(err, control.ErrNoDaemon) {
		return s.putBack(ctx, p, dir, number)
	}
	if err == nil {
		fmt.Fprintf(p.Stdout, "bundle %q is back at generation %d\n", bundle, number)
	}
	return err
}

// generation returns the number of the generation to put back.
func (s *subcommand) generation(dir, bundle string) (int, error) {
	j := journal.New(dir, journal.Options{ReadOnly: true})
	defer j.Close()
	all, err := j.History(bundle)
	switch {
	case err != nil:
		return 0, err
	case len(all) == 0:
		return 0, fmt.Errorf("no generations of bundle %q are kept in %s", bundle, dir)
	case len(s.args) < 2 && len(all) == 1:
		return 0, fmt.Errorf("there is no generation of bundle %q before the newest, %d", bundle, all[0].Number)
	case len(s.args) < 2:
		return all[len(all)-2].Number, nil
	}
	number, err := strconv.Atoi(s.args[1])
	if err != nil {
		return 0, &config.Error{Code: config.ExitFlags, Err: fmt.Errorf("expected the number of a generation, found %q", s.args[1])}
	}
	if !slices.ContainsFunc(all, func(g history.Generation) bool { return g.Number == number }) {
		return 0, fmt.Errorf("bundle %q has no generation %d: those from %d to %d are kept", bundle, number, all[0].Number, all[len(all)-1].Number)
	}
	return number, nil
}

// putBack puts the files of a generation back without a daemon, all or none. It locks
// the state directory, so that no daemon starts meanwhile.
func (s *subcommand) putBack(ctx context.Context, p program, dir string, number int) error {
	j := journal.New(dir, journal.Options{})
	defer j.Close()
	if _, err := j.Recover(); err != nil {
		return fmt.Errorf("no daemon answers, but: %w", err)
	}
	bundle := s.args[0]
	g, err := j.Generation(bundle, number)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("bundle %q has no generation %d any more", bundle, number)
	}
	if err != nil {
		return err
	}
	var change transaction.Change
	for _, f := range g.Files {
		if f.Secret {
			return fmt.Errorf("%s holds a secret, and generation %d was kept without secrets (history_secrets)", f.Path, number)
		}
		if renderer.StreamOf(f.Path) != renderer.NoStream {
			continue // what was written there has been read
		}
		change.Files = append(change.Files, transaction.File{
			Template:    fmt.Sprintf("generation %d", number),
			Destination: f.Path,
			Own:         &renderer.File{Path: f.Path, Content: f.Content, Perm: f.Perm, User: f.User, Group: f.Group},
		})
	}
	tx := transaction.New(transaction.Tools{}, &change)
	defer tx.Discard()
	tx.Stage(ctx)
	tx.Swap()
	if change.Err != nil {
		return change.Err
	}
	done := fmt.Sprintf("bundle %q is back at generation %d", bundle, number)
	if s.reload == "" {
		fmt.Fprintf(p.Stdout, "%s; no daemon is running, so nothing was reloaded\n", done)
		return nil
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", s.reload)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s, but %q failed: %w", done, s.reload, err)
	}
	fmt.Fprintf(p.Stdout, "%s, and %q was run\n", done, s.reload)
	return nil
}
