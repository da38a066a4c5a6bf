package apply

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"restencil/renderer"
)

// width bounds how many files are staged at a time: that is waiting for the
// disk.
const width = 32

// stage stages all members.
func (tx *transaction) stage(ctx context.Context) bool {
	if !tx.enter(ctx, Stage) {
		return false
	}
	if err := tx.locate(); err != nil {
		return tx.fail(err)
	}
	// Of a single file nothing can be half done.
	tx.keep = len(tx.Members) > 1 || tx.mayRollBack() || tx.notes != nil
	tx.staged = make([]*renderer.Staged, len(tx.Members))
	errs := make([]error, len(tx.Members))
	var g errgroup.Group
	g.SetLimit(width)
	for i := range tx.Members {
		g.Go(func() error {
			errs[i] = tx.stageMember(ctx, i)
			return nil
		})
	}
	_ = g.Wait() // the errors are told in order
	if err := errors.Join(errs...); err != nil && ctx.Err() == nil {
		return tx.fail(err)
	}
	return tx.goOn(ctx)
}

// locate makes the destinations absolute, and finds two that are one.
func (tx *transaction) locate() error {
	members := make([]Member, len(tx.Members))
	by := make(map[string]string, len(members))
	for i, m := range tx.Members {
		path, err := filepath.Abs(m.File.Path)
		if err != nil {
			return err
		}
		if other, ok := by[path]; ok {
			return fmt.Errorf("bundle %q: both %s and %s write %s", tx.Bundle, other, m.Template, path)
		}
		by[path] = m.Template
		members[i] = m
		members[i].File.Path = path
	}
	tx.Members = members
	return nil
}

func (tx *transaction) stageMember(ctx context.Context, i int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	file := tx.Members[i].File
	file.Keep = tx.keep
	s, err := renderer.Stage(file)
	if err != nil {
		return fmt.Errorf("staging %s: %w", file.Path, err)
	}
	tx.staged[i] = s
	return nil
}

func (tx *transaction) mayRollBack() bool {
	return tx.Rollback && !tx.First
}
