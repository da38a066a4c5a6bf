package bundle

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/journal/history"
	"restencil/runner/process"
	"restencil/runner/transaction"
)

// change makes groups hold their newest outputs. With Together it goes on to the
// end of the transaction; with Each the command is left to its turn in the lane.
func (b *Bundle) change(ctx context.Context, groups []*group) {
	changes := make([]*transaction.Change, len(groups))
	for i, g := range groups {
		changes[i] = g.change(ctx, b.spec, b.shared)
		changes[i].Keep = b.spec.Policy == Together && (b.spec.Rollback || b.shared.Journal != nil)
	}
	tx := transaction.New(b.shared.tools(), changes...)
	defer tx.Discard()
	tx.Stage(ctx)
	if b.spec.Policy == Print {
		b.print(ctx, tx, groups)
		return
	}
	tx.Check(ctx)
	switch {
	case ctx.Err() != nil: // nothing has changed
	case b.spec.Policy == Together:
		b.changeTogether(ctx, tx, groups[0], groups[0].hash())
	default:
		b.changeEach(ctx, tx, groups)
	}
}

// changeEach takes the changes of tx, each by itself, from the swap to the files
// being in place.
func (b *Bundle) changeEach(ctx context.Context, tx *transaction.Transaction, groups []*group) {
	var changed []string
	for _, c := range tx.Changes {
		if c.Err == nil {
			changed = append(changed, c.Replaced()...)
		}
	}
	if !b.spec.Reload.None() {
		b.command.debt = b.memory.owe(b.command.debt, changed)
	}
	tx.Swap()
	tx.CheckLate(ctx)
	for i, c := range tx.Changes {
		g := groups[i]
		if c.Err != nil {
			b.failedEach(g, c)
			continue
		}
		hash := g.hash()
		b.printDebug(g)
		files := b.placed(g, c)
		b.applied(g, hash)
		if len(files) > 0 && !b.spec.Reload.None() {
			b.command.want(files, g.members[0].index)
		}
	}
}

// changeTogether takes the one change of tx, to hash, from the swap to its end:
// the command has loaded the files and all is well, or the old ones are back.
func (b *Bundle) changeTogether(ctx context.Context, tx *transaction.Transaction, g *group, hash string) {
	c, began, owed := tx.Changes[0], time.Now(), b.command.owed
	mayRollBack := b.spec.Rollback && !c.First() && !g.goingBack
	files := c.Replaced()
	if c.Err == nil && (c.Has(renderer.Replaced) || c.Has(renderer.Repaired)) {
		b.memory.begin(tx, c, hash, mayRollBack)
		tx.Swap()
		tx.CheckLate(ctx)
		b.memory.swapped(tx, c)
	}
	rolledBack := false
	var rollbackErr error
	if c.Err == nil && (owed || len(files) > 0) {
		b.command.owed = true
		b.command.load(ctx, c, b.why(g, hash), files)
		b.command.ended = time.Now()
		if ctx.Err() != nil && c.Err != nil {
			if mayRollBack && b.memory.begun {
				tx.Leave() // the next start goes back, and begins again
			}
			return
		}
		if c.Err != nil && mayRollBack && len(files) > 0 {
			rolledBack, rollbackErr = b.rollBack(ctx, tx, files)
		}
	}
	if c.Err != nil {
		b.failedTogether(g, hash, c, rolledBack, rollbackErr)
		return
	}
	b.command.owed = false
	b.memory.applied(hash, b.generation(g, c), owed || len(files) > 0)
	if len(files) > 0 || owed {
		b.printDebug(g)
	}
	b.placed(g, c)
	b.applied(g, hash)
	if len(files) > 0 || owed {
		b.shared.Events(event.BundleApplied{Bundle: b.spec.Name, Files: files, Took: time.Since(began)})
	}
}

// why says why the command is run for a change of g to hash.
func (b *Bundle) why(g *group, hash string) process.Reason {
	switch {
	case g.trouble.hash == hash:
		return process.ReasonRetry
	case g.applied == "":
		return process.ReasonStart
	}
	return process.ReasonChange
}

// rollBack puts the old files back and has them loaded.
func (b *Bundle) rollBack(ctx context.Context, tx *transaction.Transaction, files []string) (done bool, err error) {
	c := tx.Changes[0]
	cause := c.Err
	if err := tx.PutBack(c); err != nil {
		c.Err = cause
		return false, err
	}
	if !b.spec.Reload.None() {
		if _, err := b.command.run(ctx, process.ReasonChange, files); err != nil {
			return true, fmt.Errorf("reloading with the old files: %w", err)
		}
	}
	b.command.owed = false
	b.memory.undone()
	return true, nil
}

// failedTogether notes that a change of g to hash was not made, or not to its end.
func (b *Bundle) failedTogether(g *group, hash string, c *transaction.Change, rolledBack bool, rollbackErr error) {
	secrets := b.shared.Secrets.All()
	c.Err, rollbackErr = secrets.MaskError(c.Err), secrets.MaskError(rollbackErr)
	if (c.Step == event.Reload || c.Step == event.Verify) && !rolledBack {
		b.placed(g, c) // the new files are
		b.command.owed = true
	}
	b.command.owed = b.command.owed || rollbackErr != nil
	g.recheck = g.recheck || rolledBack
	for _, m := range g.members {
		m.known = m.known && !rolledBack
	}
	kept := b.troubled(g, hash, c)
	fatal := b.shared.Once || b.spec.ExitOnFailure
	if !b.shared.Once { // whose error says the same
		e := event.BundleFailed{
			Bundle: g.name, Step: c.Step, Err: c.Err, Output: c.Output,
			RolledBack: rolledBack, RollbackErr: rollbackErr, Kept: kept,
		}
		if !fatal {
			e.RetryIn = max(0, time.Until(g.trouble.retry))
		}
		b.shared.Events(e)
	}
	if fatal {
		b.fail(fmt.Errorf("bundle %q: %s failed: %w", g.name, c.Step, c.Err))
		return
	}
	b.holdProven(g)
	b.touch(g)
}

// failedEach notes that a file that goes in place by itself does not.
func (b *Bundle) failedEach(g *group, c *transaction.Change) {
	m := g.members[0]
	m.known = false
	c.Err = b.shared.Secrets.All().MaskError(c.Err)
	if m.Fatal {
		b.fail(c.Err)
		return
	}
	kept := b.troubled(g, g.hash(), c)
	b.touch(g)
	if c.Step == event.Check {
		b.shared.Events(event.BundleFailed{
			Bundle: g.name, Step: c.Step, Err: c.Err, Output: c.Output, Kept: kept,
			RetryIn: max(0, time.Until(g.trouble.retry)),
		})
		b.holdProven(g)
		return
	}
	if text := c.Err.Error(); m.failure != text {
		m.failure = text
		b.shared.Events(event.Failed{Template: m.Template, Destination: m.Destination, Err: c.Err})
	}
}

// placed notes that the files of g are as c wants them, and returns the
// destinations that have changed.
func (b *Bundle) placed(g *group, c *transaction.Change) (changed []string) {
	for i, m := range g.members {
		if b.memberPlaced(m, c.Result(i), c.Replaces(i)) {
			changed = append(changed, m.Destination)
		}
	}
	b.report.Changed = append(b.report.Changed, changed...)
	return changed
}

// memberPlaced is placed for one file. It tells whether that, or one that its
// template writes besides, has changed.
func (b *Bundle) memberPlaced(m *member, res renderer.Result, replaced bool) (changed bool) {
	out := m.latest
	changed = replaced || m.Shadowed && m.written != out.Sum
	news := !m.placed || !m.known || m.written != out.Sum || res.Change != renderer.Unchanged || m.told
	if m.written != out.Sum {
		m.hides[1] = m.hides[0] // the program that read it still knows them
	}
	m.hides[0], m.secret = out.Secrets, out.Secret
	m.written, m.known, m.told = out.Sum, true, false
	if b.spec.Policy != Print {
		m.checkExposed(out, b.shared.Events)
	}
	if b.spec.Policy != Together { // nothing needs the content any more
		m.latest = nil
	}
	m.hide(b.shared.Secrets)
	if !m.placed {
		m.placed = true
		b.report.Placed = append(b.report.Placed, m.index)
	}
	if m.failure != "" {
		m.failure = ""
		b.shared.Events(event.Recovered{Template: m.Template, Destination: m.Destination})
	}
	if news {
		b.shared.Events(event.Rendered{
			Template: m.Template, Destination: m.Destination,
			Change: res.Change, InPlace: res.InPlace, Warnings: res.Warnings,
		})
	}
	return changed
}

// generation returns the files of g as the journal keeps them.
func (b *Bundle) generation(g *group, c *transaction.Change) []history.File {
	var files []history.File
	for i, m := range g.members {
		want := c.Files[i].Own
		if want == nil {
			continue
		}
		path, err := filepath.Abs(want.Path)
		if err != nil {
			path = want.Path
		}
		files = append(files, history.File{
			Path: path, Content: want.Content,
			Perm: want.Perm, User: want.User, Group: want.Group,
			Secret: m.latest.Secret && !b.shared.KeepSecrets,
		})
	}
	return files
}

// printDebug prints what the functions for debugging did.
func (b *Bundle) printDebug(g *group) {
	for _, m := range g.members {
		if m.latest != nil && m.latest.Printed != "" {
			// What a debugging aid prints is not worth ending for.
			_, _ = fmt.Fprint(b.shared.Stdout, m.latest.Secrets.Mask(m.latest.Printed))
		}
	}
}

// print prints what groups would be, in the form of COMPAT 1.7, but for what is
// in place already. What writeToFile asks for is written, as in consul-template.
func (b *Bundle) print(ctx context.Context, tx *transaction.Transaction, groups []*group) {
	tx.Swap()
	for i, c := range tx.Changes {
		g := groups[i]
		m := g.members[0]
		change := renderer.Replaced
		if m.Destination != "" && c.Err == nil && !m.isStream() {
			var err error
			if change, err = renderer.Compare(m.want(m.latest)); err != nil {
				c.Fail(event.Stage, fmt.Errorf("error rendering %q => %q: %w", m.Template, m.Destination, err))
			}
		}
		if c.Err != nil {
			b.failedEach(g, c)
			continue
		}
		b.printDebug(g)
		if change == renderer.Replaced {
			if _, err := b.shared.Stdout.write(ctx, fmt.Appendf(nil, "> %s\n%s", m.Destination, m.latest.Content)); err != nil {
				b.fail(fmt.Errorf("printing %s: %w", m.Template, err))
				return
			}
		}
		hash := g.hash()
		if b.memberPlaced(m, renderer.Result{Change: change}, change == renderer.Replaced) {
			b.report.Changed = append(b.report.Changed, m.Destination)
		}
		b.applied(g, hash)
	}
}

// applied notes that a change of g to hash has been made to its end.
func (b *Bundle) applied(g *group, hash string) {
	g.applied, g.recheck = hash, false
	g.release(b.shared.Events)
	if g.trouble.hash != "" || g.accepted != "" {
		g.trouble, g.accepted = trouble{}, ""
		b.remember(g)
	}
}

// remember has the journal note what must survive a restart about g.
func (b *Bundle) remember(g *group) {
	if b.spec.Policy == Together {
		b.memory.remember(g)
	}
}
