package client

import (
	"context"
	"errors"
	"fmt"
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

// Rollback puts a generation of a bundle's files back. The daemon does it, or without
// a daemon putBack.
func (c *Command) Rollback(ctx context.Context) error {
	dirs, err := c.stateDirs()
	if err != nil {
		return err
	}
	dir, bundle, err := statedir.OfBundle(dirs, c.Args[0])
	if err != nil {
		return err
	}
	c.Args[0] = bundle
	number, err := c.generation(dir, bundle)
	if err != nil {
		return err
	}
	var done struct{ Generation int }
	err = control.Ask(ctx, dir, control.Request{Do: control.Rollback, Bundle: bundle, Generation: number}, &done)
	if errors.Is(err, control.ErrNoDaemon) {
		return c.putBack(ctx, dir, number)
	}
	if err == nil {
		fmt.Fprintf(c.Stdout, "bundle %q is back at generation %d\n", bundle, done.Generation)
	}
	return err
}

// generation returns the number of the generation to put back, 0: the one before the newest
// when a change that is under way has ended.
func (c *Command) generation(dir, bundle string) (int, error) {
	j := journal.New(dir, journal.Options{ReadOnly: true})
	defer j.Close()
	all, err := j.History(bundle)
	switch {
	case err != nil:
		return 0, err
	case len(all) == 0:
		return 0, fmt.Errorf("no generations of bundle %q are kept in %s", bundle, dir)
	case len(c.Args) < 2:
		return 0, nil
	}
	number, err := strconv.Atoi(c.Args[1])
	if err != nil {
		return 0, &config.Error{Code: config.ExitFlags, Err: fmt.Errorf("expected the number of a generation, found %q", c.Args[1])}
	}
	if !slices.ContainsFunc(all, func(g history.Generation) bool { return g.Number == number }) {
		return 0, fmt.Errorf("bundle %q has no generation %d: those from %d to %d are kept", bundle, number, all[0].Number, all[len(all)-1].Number)
	}
	return number, nil
}

// putBack puts the files of a generation back without a daemon, all or none. It locks
// the state directory, so that no daemon starts meanwhile.
func (c *Command) putBack(ctx context.Context, dir string, number int) error {
	j := journal.New(dir, journal.Options{})
	defer j.Close()
	err := j.Claim(ctx)
	if !errors.Is(err, journal.ErrInUse) { // where nothing can be written, reading works
		_, err = j.Recover()
	}
	if err != nil {
		return fmt.Errorf("no daemon answers, but: %w", err)
	}
	bundle := c.Args[0]
	g, err := j.Generation(bundle, number)
	if err != nil {
		return err
	}
	var change transaction.Change
	for _, f := range g.Files {
		if f.Secret {
			return fmt.Errorf("%s holds a secret, and generation %d was kept without secrets (history_secrets)", f.Path, g.Number)
		}
		if renderer.StreamOf(f.Path) != renderer.NoStream {
			continue // what was written there has been read
		}
		change.Files = append(change.Files, transaction.File{
			Template:    fmt.Sprintf("generation %d", g.Number),
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
	done := fmt.Sprintf("bundle %q is back at generation %d", bundle, g.Number)
	if c.Reload == "" {
		fmt.Fprintf(c.Stdout, "%s; no daemon is running, so nothing was reloaded\n", done)
		return nil
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", c.Reload)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s, but %q failed: %w", done, c.Reload, err)
	}
	fmt.Fprintf(c.Stdout, "%s, and %q was run\n", done, c.Reload)
	return nil
}
