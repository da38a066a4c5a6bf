package bundle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"restencil/renderer"
	"restencil/runner/bundle/group"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/journal/history"
	"restencil/runner/process"
	"restencil/runner/transaction"
)

// change makes groups hold their targets, each all or none. With the policy Together
// it also runs the command and verifies; with Each the command waits for its turn.
func (b *Bundle) change(ctx context.Context, targets ...group.Target) error {
	began, together := time.Now(), b.spec.Policy == group.Together
	tx := b.transaction(ctx, targets)
	defer tx.Discard()

	b.enter(tx, event.Stage, targets[0].Rollback)
	tx.Stage(ctx)
	if b.checks {
		b.enter(tx, event.Check, targets[0].Rollback)
		tx.Check(ctx)
	}
	if err := context.Cause(ctx); err != nil || b.checks && !b.turn.Held(ctx) {
		b.groups.Reconsider(time.Now()) // for the next turn
		return err                      // nothing has changed
	}
	for i, t := range targets {
		for _, w := range t.Wants {
			if tx.Changes[i].Err == nil && w.Output.Printed != "" {
				// What the functions for debugging print may get lost.
				_ = b.shared.Stdout.write(ctx, []byte(w.Output.Secrets.Mask(w.Output.Printed)))
			}
		}
	}

	// The journal has what is about to change.
	mayRollBack := false
	if together {
		t, c := targets[0], tx.Changes[0]
		if t.Rollback && c.Err == nil {
			t.Pin()
			b.saveVerdict()
		}
		mayRollBack = b.spec.Rollback && !t.Rollback && !c.First()
		b.entry.begin(tx, t.Hash, mayRollBack)
	}
	var going []group.Target
	var files []string
	for i, c := range tx.Changes {
		if c.Err == nil {
			going, files = append(going, targets[i]), append(files, c.Replaced()...)
		}
	}
	if !together && !b.spec.Reload.None() {
		b.entry.owe(files)
	}
	b.entry.elements(going, false)
	b.enter(tx, event.Swap, targets[0].Rollback)
	tx.Swap()
	tx.CheckLate(ctx)
	switch e := b.entry; { // the journal has the result
	case !e.begun || tx.Left:
	case tx.Changes[0].Err == nil:
		e.do(func(j *journal.Journal) error { return j.Swapped(e.key) })
	default:
		e.undone()
	}

	var errs []error
	var done []string // the bundles that need nothing more
	for i, c := range tx.Changes {
		t, o := targets[i], group.Outcome{}
		loaded := together && c.Err == nil && (b.command.owed || t.Rollback || len(c.Replaced()) > 0)
		if loaded {
			o.RolledBack, o.RollbackErr = b.load(ctx, tx, t, mayRollBack)
		}
		generation := 0
		if ctx.Err() == nil || c.Err == nil { // else the journal has how far it got
			generation = b.finish(t, c, o, loaded)
			if loaded && c.Err != nil {
				b.turn.Fail(fmt.Errorf("%s failed: %w", c.Step, c.Err))
			}
		} else if loaded && mayRollBack {
			why := "restencil is ending"
			if tx.Left {
				why += ", and its next start puts the old files back"
			}
			b.shared.Events(event.BundleFailed{Bundle: t.Name, Step: c.Step, Err: errors.New(why), RolledBack: o.RolledBack, RollbackErr: o.RollbackErr})
		}
		switch {
		case c.Err != nil && loaded && !o.RolledBack:
			errs = append(errs, fmt.Errorf("%s failed, with the files in place: %w", c.Step, c.Err))
		case c.Err != nil:
			errs = append(errs, fmt.Errorf("%s failed: %w", c.Step, c.Err))
		case loaded:
			b.shared.Events(event.BundleApplied{Bundle: b.spec.Name, Files: c.Replaced(), Took: time.Since(began), Generation: generation})
		case together || b.spec.Reload.None() || !c.ReplacesAny():
			done = append(done, t.Name)
		}
	}
	b.entry.elements(going, true)
	if len(done) > 0 {
		b.shared.Events(event.Stepping{Bundles: done, Step: event.Applied, Back: targets[0].Rollback})
	}
	return errors.Join(errs...)
}

// enter reports that the changes which have not failed enter a step.
func (b *Bundle) enter(tx *transaction.Transaction, step event.Step, back bool) {
	var names []string
	for _, c := range tx.Changes {
		if c.Err == nil {
			names = append(names, c.Bundle)
		}
	}
	if len(names) > 0 {
		b.shared.Events(event.Stepping{Bundles: names, Step: step, Back: back})
	}
}

// transaction returns the transaction that makes groups hold their targets.
func (b *Bundle) transaction(ctx context.Context, targets []group.Target) *transaction.Transaction {
	s := b.shared
	changes := make([]*transaction.Change, len(targets))
	for i, t := range targets {
		c := &transaction.Change{Bundle: t.Name, Check: b.spec.Check}
		c.Keep = b.spec.Policy == group.Together && (b.spec.Rollback || b.entry.journal != nil)
		var extras []string // of files that were not put in place before
		for _, w := range t.Wants {
			if !w.File.Placed() {
				for _, extra := range w.Output.Files {
					extras = append(extras, extra.Path)
				}
			}
			f := transaction.File{
				Template: w.File.Template, Destination: w.File.Destination,
				Extras: w.Output.Files, Secret: w.Output.Secret,
			}
			switch {
			case b.spec.Policy == group.Print:
				own, err := s.printed(ctx, w)
				c.Fail(event.Stage, err)
				f.Own = &own
			case s.Preview && w.File.Stream != renderer.NoStream: // that changes nothing on disk
			case !w.File.Shadowed && !(w.Place.Remove && w.File.Removed()):
				own := w.Place
				switch w.File.Stream {
				case renderer.NoStream:
				case renderer.Stderr:
					own.Stream = &streamWriter{ctx, s.Stderr, w}
				default:
					own.Stream = &streamWriter{ctx, s.Stdout, w}
				}
				f.Own, f.Format, f.Check = &own, w.File.Format, w.File.Check
			}
			c.Files = append(c.Files, f)
		}
		b.sweep(time.Since(b.began), extras) // another bundle may write there now
		changes[i] = c
	}
	tools := s.Tools
	tools.Mask = func() func(string) string { return s.Registry.Secrets().Masker() }
	tools.Writer = s.Registry.writer
	return transaction.New(tools, changes...)
}

// printed returns what a dry run prints for a file, in the form of COMPAT 1.7:
// nothing where that is in place.
func (s *Shared) printed(ctx context.Context, w group.Want) (renderer.File, error) {
	path := w.File.Destination
	f := renderer.File{
		Path: "/dev/stdout", Content: fmt.Appendf(nil, "> %s\n%s", path, w.Output.Content),
		Stream: &streamWriter{ctx, s.Stdout, w},
	}
	if path == "" || w.File.Stream != renderer.NoStream {
		return f, nil
	}
	now, err := renderer.Compare(w.Place)
	if err != nil {
		return f, &event.FileError{Template: w.File.Template, Destination: path, Err: err, ConsulTemplate: s.ConsulTemplate}
	}
	f.Shown = now.Change() != renderer.Replaced
	return f, nil
}

// lastReload bounds how long the reload of the old files may take when the process ends.
const lastReload = 5 * time.Second

// load runs the command for the files of a change, and verifies. If that fails and
// mayRollBack is set, it puts the old files back and loads them. The error is of that.
func (b *Bundle) load(ctx context.Context, tx *transaction.Transaction, t group.Target, mayRollBack bool) (rolledBack bool, err error) {
	c := tx.Changes[0]
	replaced := c.Replaced()
	files := replaced
	if len(files) == 0 {
		files = b.destinations()
	}
	b.command.owed, b.command.again = true, time.Time{}
	if !b.spec.Reload.None() {
		b.enter(tx, event.Reload, t.Rollback)
		if output, err := b.command.run(ctx, t.Reason, files); err != nil {
			c.Fail(event.Reload, process.Brief(err, nil))
			c.Output = b.shared.Registry.Secrets().Mask(output)
		}
	}
	if c.Err == nil {
		if len(b.spec.Verify) > 0 {
			b.enter(tx, event.Verify, t.Rollback)
		}
		b.command.verify(ctx, c, b.command.environ(t.Reason, files))
	}
	b.command.ended = time.Now()
	switch {
	case c.Err == nil:
		b.command.owed = false
		return false, nil
	case !mayRollBack || len(replaced) == 0:
		return false, nil
	case ctx.Err() != nil && b.entry.begun:
		tx.Left = true // the next start puts the old files back
		return false, nil
	case ctx.Err() != nil: // the next start would take the new ones for good
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastReload)
		defer cancel()
		ctx = late
	}
	cause := c.Err
	b.shared.Events(event.Stepping{Bundles: []string{b.spec.Name}, Step: event.Rollback})
	if err := tx.PutBack(c); err != nil {
		c.Err = cause
		return false, err
	}
	if _, err := b.loadOld(ctx, process.ReasonChange, replaced); err != nil {
		if c.Step == event.Reload { // the change is tried again as soon
			b.command.again = time.Time{}
		}
		return true, fmt.Errorf("reloading with the old files: %w", process.Brief(err, nil))
	}
	return true, nil
}

// loadOld runs the command for the old files, which are back. Where that fails it is
// to be tried again: the program must not go on with what was rejected.
func (b *Bundle) loadOld(ctx context.Context, why process.Reason, files []string) (output string, err error) {
	c := &b.command
	if !b.spec.Reload.None() {
		if output, err := c.run(ctx, why, files); err != nil {
			c.failures++
			c.again = time.Now().Add(group.Delay(b.spec.Retry, c.failures))
			return output, err
		}
	}
	c.owed, c.again, c.failures = false, time.Time{}, 0
	b.entry.undone()
	return "", nil
}

// retryLoadOld is loadOld after a failure, and reports the result.
func (b *Bundle) retryLoadOld(ctx context.Context) {
	c, began := &b.command, time.Now()
	args, files := b.spec.Reload.Args, b.destinations()
	output, err := b.loadOld(ctx, process.ReasonRetry, files)
	switch {
	case err == nil:
		b.shared.Events(event.CommandDone{Args: args, Files: files, Took: time.Since(began)})
	case ctx.Err() == nil:
		b.shared.Events(event.CommandFailed{Args: args, Files: files, Err: err, Output: b.shared.Registry.Secrets().Mask(output), RetryIn: time.Until(c.again)})
	}
}

// finish records the outcome of a change in the journal and the groups. loaded reports
// that the command was run for it. It returns the number of the generation that the
// journal keeps of a new change, 0 if it keeps none.
func (b *Bundle) finish(t group.Target, c *transaction.Change, o group.Outcome, loaded bool) (generation int) {
	files := func() []history.File { return t.Generation(b.shared.State.Load().KeepSecrets) }
	switch {
	case c.Err != nil:
		secrets := b.shared.Registry.Secrets()
		c.Err, o.RollbackErr = secrets.MaskError(c.Err), secrets.MaskError(o.RollbackErr)
		o.Step, o.Err, o.Output, o.Last = c.Step, c.Err, c.Output, b.shared.Registry.removed(b)
		if o.Rejected() {
			b.entry.do(func(j *journal.Journal) (err error) {
				o.Kept, err = j.KeepRejected(b.entry.key, o.Reason(), files())
				return err
			})
		}
	case b.spec.Policy == group.Together:
		if loaded || !b.entry.made(t) {
			b.entry.do(func(j *journal.Journal) (err error) {
				generation, err = j.Applied(b.entry.key, t.Hash, files())
				return err
			})
		}
	}
	for i := range t.Wants {
		o.Results = append(o.Results, group.Result{Result: c.Result(i), Replaced: c.Replaces(i)})
	}
	changed := b.groups.Done(t, o, time.Now())
	for _, w := range t.Wants {
		b.shared.Registry.SetSecrets(w.File.Key(), w.File.Secrets())
	}
	if b.spec.Policy == group.Each {
		b.command.want(changed, t.Wants[0].File.Index)
	}
	b.saveVerdict()
	return generation
}
