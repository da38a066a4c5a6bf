package bundle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"restencil/renderer"
	"restencil/runner/bundle/group"
	"restencil/runner/event"
	"restencil/runner/journal/history"
	"restencil/runner/process"
	"restencil/runner/transaction"
)

// change makes groups hold their targets, each all or none, and returns why that
// failed. With the policy Together it goes on to the end of the transaction; with
// Each the command is left to its turn in the lane.
func (b *Bundle) change(ctx context.Context, targets ...group.Target) error {
	began := time.Now()
	tx := b.shared.transaction(ctx, b.spec, targets)
	defer tx.Discard()

	tx.Stage(ctx)
	tx.Check(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx) // nothing has changed
	}
	mayRollBack := b.note(tx, targets)
	tx.Swap()
	tx.CheckLate(ctx)
	b.entry.swapped(tx)

	var errs []error
	for i, c := range tx.Changes {
		t, o, loaded := targets[i], group.Outcome{}, false
		switch b.spec.Policy {
		case group.Print:
			o.Results = b.print(ctx, t, c)
		case group.Together:
			loaded = c.Err == nil && (b.command.owed || t.Back || len(c.Replaced()) > 0)
			if loaded {
				o.RolledBack, o.RollbackErr = b.load(ctx, tx, t, mayRollBack)
			}
		}
		if ctx.Err() != nil && c.Err != nil {
			return context.Cause(ctx) // the journal knows how far it came
		}
		b.finish(t, c, o, loaded)
		if loaded && c.Err == nil {
			b.shared.Events(event.BundleApplied{Bundle: b.spec.Name, Files: c.Replaced(), Took: time.Since(began)})
		}
		errs = append(errs, c.Err)
	}
	return errors.Join(errs...)
}

// transaction returns what makes the targets of a bundle be.
func (s *Shared) transaction(ctx context.Context, spec group.Spec, targets []group.Target) *transaction.Transaction {
	changes := make([]*transaction.Change, len(targets))
	for i, t := range targets {
		c := &transaction.Change{Bundle: t.Name, Check: spec.Check}
		c.Keep = spec.Policy == group.Together && (spec.Rollback || s.Journal != nil)
		for _, w := range t.Wants {
			f := transaction.File{
				Template: w.File.Template, Destination: w.File.Destination,
				Extras: w.Output.Files, Secret: w.Output.Secret,
			}
			if !w.File.Shadowed && spec.Policy != group.Print {
				own := w.Place
				switch w.File.Stream {
				case renderer.Stdout:
					own.Stream = &show{ctx: ctx, to: s.Stdout, want: w}
				case renderer.Stderr:
					own.Stream = &show{ctx: ctx, to: s.Stderr, want: w}
				}
				f.Own, f.Format, f.Check = &own, w.File.Format, w.File.Check
			}
			c.Files = append(c.Files, f)
		}
		changes[i] = c
	}
	tools := transaction.Tools{
		Run:     s.Run,
		InPlace: s.InPlace,
		Mask:    func() func(string) string { return s.Registry.Secrets().Masker() },
		Writer:  s.Registry.writer,
	}
	return transaction.New(tools, changes...)
}

// note has the journal know what is about to change. It tells whether the change
// may be rolled back, with the policy Together.
func (b *Bundle) note(tx *transaction.Transaction, targets []group.Target) (mayRollBack bool) {
	if b.spec.Policy != group.Together {
		var files []string
		for _, c := range tx.Changes {
			if c.Err == nil {
				files = append(files, c.Replaced()...)
			}
		}
		b.command.owe(files)
		return false
	}
	t, c := targets[0], tx.Changes[0]
	if t.Back && c.Err == nil {
		b.groups.Pin(t)
		b.tell()
	}
	mayRollBack = b.spec.Rollback && !t.Back && !c.First()
	b.entry.begin(tx, t.Hash, mayRollBack)
	return mayRollBack
}

// load has the program read the files of a change, and finds out whether it is
// well. If it is not, the old files are put back, where that may be, and read again.
func (b *Bundle) load(ctx context.Context, tx *transaction.Transaction, t group.Target, mayRollBack bool) (rolledBack bool, err error) {
	c := tx.Changes[0]
	files := c.Replaced()
	b.command.owed = true
	b.command.load(ctx, c, t.Reason, files)
	b.command.ended = time.Now()
	switch {
	case c.Err == nil:
		b.command.owed = false
		return false, nil
	case !mayRollBack || len(files) == 0:
		return false, nil
	case ctx.Err() != nil:
		if b.entry.begun {
			tx.Leave() // the next start goes back, and begins again
		}
		return false, nil
	}
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
	b.entry.undone()
	return true, nil
}

// finish notes what became of a change, and tells it. loaded tells that the program
// was to read its files.
func (b *Bundle) finish(t group.Target, c *transaction.Change, o group.Outcome, loaded bool) {
	together := b.spec.Policy == group.Together
	files := func() []history.File { return t.Generation(b.shared.KeepSecrets) }
	if c.Err == nil {
		if together {
			b.entry.applied(t.Hash, files(), loaded)
		}
		if loaded || b.spec.Policy == group.Each {
			b.shared.printDebug(t)
		}
	} else {
		secrets := b.shared.Registry.Secrets()
		c.Err = secrets.MaskError(c.Err)
		o.Step, o.Err, o.Output = c.Step, c.Err, c.Output
		o.RollbackErr = secrets.MaskError(o.RollbackErr)
		if o.Rejected() {
			o.Kept = b.entry.rejected(o.Reason(), files())
		}
	}
	if o.Results == nil {
		for i := range t.Wants {
			o.Results = append(o.Results, group.Result{Result: c.Result(i), Replaced: c.Replaces(i)})
		}
	}
	changed := b.groups.Done(t, o, time.Now())
	for _, w := range t.Wants {
		b.shared.Registry.hide(w.File)
	}
	if b.spec.Policy == group.Each {
		b.command.want(changed, t.Wants[0].File.Index)
	}
	b.tell()
}

// print prints what the file of a target would be, in the form of COMPAT 1.7, but
// for what is in place already. What writeToFile asks for has been written, as in
// consul-template.
func (b *Bundle) print(ctx context.Context, t group.Target, c *transaction.Change) []group.Result {
	w, change := t.Wants[0], renderer.Replaced
	if c.Err == nil && w.Place.Path != "" && w.File.Stream == renderer.NoStream {
		var err error
		if change, err = renderer.Compare(w.Place); err != nil {
			c.Fail(event.Stage, fmt.Errorf("error rendering %q => %q: %w", w.File.Template, w.Place.Path, err))
		}
	}
	if c.Err == nil {
		b.shared.printDebug(t)
	}
	if c.Err == nil && change == renderer.Replaced {
		if _, err := b.shared.Stdout.write(ctx, fmt.Appendf(nil, "> %s\n%s", w.Place.Path, w.Place.Content)); err != nil {
			b.report.Fatal = errors.Join(b.report.Fatal, fmt.Errorf("printing %s: %w", w.File.Template, err))
		}
	}
	return []group.Result{{Result: renderer.Result{Change: change}, Replaced: change == renderer.Replaced}}
}

// printDebug prints what the functions for debugging did.
func (s *Shared) printDebug(t group.Target) {
	for _, w := range t.Wants {
		if w.Output.Printed != "" {
			// What a debugging aid prints is not worth ending for.
			_, _ = fmt.Fprint(s.Stdout, w.Output.Secrets.Mask(w.Output.Printed))
		}
	}
}
