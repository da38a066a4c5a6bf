package bundle

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"

	"restencil/runner/event"
	"restencil/runner/journal/history"
	"restencil/runner/transaction"
)

// Accept has the change made that is held back: of the file named, or of the
// whole bundle. It is an error that nothing is held. It returns when that is
// settled, or with the cause of ctx's end.
func (b *Bundle) Accept(ctx context.Context, name string) error {
	return b.ask(ctx, func(context.Context) error {
		for _, g := range b.groups {
			if g.name != name || !g.complete() {
				continue
			}
			hash := g.hash()
			if g.held == "" && g.trouble.hash != hash {
				continue
			}
			g.accepted, g.pinned = hash, ""
			b.remember(g)
			b.touch(g)
			return nil
		}
		return fmt.Errorf("bundle %q is not held back: there is nothing to accept", name)
	})
}

// Rollback puts a generation of the files back, which the journal keeps, and
// reloads what reads them. The change from which that goes back is held until
// other data comes, or it is accepted. It returns what came of it.
func (b *Bundle) Rollback(ctx context.Context, generation int) error {
	return b.ask(ctx, func(ctx context.Context) error { return b.goBack(ctx, generation) })
}

func (b *Bundle) goBack(ctx context.Context, generation int) error {
	switch {
	case b.spec.Policy != Together:
		return fmt.Errorf("the files of %q each go in place by themselves: no generations of them are kept", b.spec.Name)
	case b.shared.Journal == nil:
		return errors.New("there is no history: no state directory is in use")
	case !b.groups[0].complete():
		return fmt.Errorf("bundle %q has templates that wait for data: only complete bundles go back", b.spec.Name)
	}
	gen, err := b.shared.Journal.Generation(b.memory.key, generation)
	if err != nil {
		return err
	}
	g := b.groups[0]
	newest := make([]*Output, len(g.members))
	restored := make([]*Output, len(g.members))
	specs := make([]Member, len(g.members))
	for i, m := range g.members {
		newest[i], specs[i] = m.latest, m.Member
		if restored[i], specs[i], err = m.restored(gen); err != nil {
			return err
		}
	}
	pinned, accepted, troubled, owed := g.pinned, g.accepted, g.trouble, b.command.owed
	g.pinned, g.accepted = g.hash(), ""
	b.memory.remember(g)
	for i, m := range g.members {
		m.latest, m.Member, specs[i] = restored[i], specs[i], m.Member
		m.known = false
	}
	c := g.change(ctx, b.spec, b.shared)
	c.Keep = true
	tx := transaction.New(b.shared.tools(), c)
	defer tx.Discard()
	tx.Stage(ctx)
	tx.Check(ctx)
	b.command.owed = true
	g.goingBack = true
	b.changeTogether(ctx, tx, g, gen.Hash)
	g.goingBack = false
	for i, m := range g.members {
		m.latest, m.Member, m.known = newest[i], specs[i], false
	}
	if c.Err != nil && c.Step != event.Reload && c.Step != event.Verify { // nobody went back
		g.pinned, g.accepted, g.trouble, b.command.owed = pinned, accepted, troubled, owed
		b.memory.remember(g)
	}
	g.applied, g.recheck = "", true
	b.touch(g)
	return c.Err
}

// restored returns what the generation has for m.
func (m *member) restored(gen history.Generation) (*Output, Member, error) {
	spec := m.Member
	path, err := filepath.Abs(m.Destination) // as the journal has it
	if err != nil {
		return nil, spec, err
	}
	for _, old := range gen.Files {
		if old.Path != path {
			continue
		}
		if old.Secret {
			return nil, spec, fmt.Errorf("%s holds a secret, which generation %d does not keep", m.Destination, gen.Number)
		}
		spec.Perm, spec.User, spec.Group = old.Perm, old.User, old.Group
		return &Output{Content: old.Content, Sum: Sum{content: sha256.Sum256(old.Content)}}, spec, nil
	}
	return nil, spec, fmt.Errorf("generation %d has no %s", gen.Number, m.Destination)
}
