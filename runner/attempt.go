package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"restencil/renderer"
	"restencil/runner/apply"
	"restencil/template"
)

// An attempt is a change that is being made.
type attempt struct {
	bundle  *named
	members []*unit
	hash    string
	outputs []*outcome       // by member; nil: what an old generation has
	prints  []fingerprint    // by member
	secrets template.Secrets // of all files, which the commands may read
	extras  []bool           // by member: a file of writeToFile has changed
	printed string
	began   time.Time
	outcome apply.Outcome
	done    func(error) // nil: nobody waits for it
}

// change returns what b's newest outputs ask for.
func (r *Runner) change(b *named) apply.Change {
	c := apply.Change{
		Bundle:   b.spec.Name,
		Check:    b.spec.Check,
		Reload:   b.spec.Command,
		Owed:     b.owed,
		Verify:   b.spec.Verify,
		Rollback: b.spec.Rollback,
		First:    true,
	}
	for _, u := range b.members {
		c.Members = append(c.Members, apply.Member{
			Template: u.spec.Name,
			File:     u.fileOf(u.latest),
			Format:   u.spec.Format,
			Check:    u.spec.Check,
			Tainted:  secret(u.latest.Used),
			Secret:   secret(u.latest.Used) && !r.opts.KeepSecrets,
		})
		if _, err := os.Lstat(u.spec.Destination); err == nil {
			c.First = false
		}
	}
	return c
}

// begin makes what b's newest outputs ask for.
func (r *Runner) begin(ctx context.Context, b *named, hash string, now time.Time) {
	a := b.newAttempt(hash, now)
	for _, u := range b.members {
		a.outputs = append(a.outputs, u.latest)
		a.prints = append(a.prints, u.latest.print)
		a.printed += u.latest.Secrets.Mask(u.latest.Printed)
	}
	why := reasonChange
	switch {
	case b.trouble.hash == hash:
		why = reasonRetry
	case b.applied == "":
		why = reasonStart
	}
	r.launch(ctx, a, r.change(b), why, func() (changed bool, err error) {
		for i, u := range a.members {
			if a.extras[i], err = u.writeFiles(a.outputs[i]); err != nil {
				return changed, u.renderError(a.secrets.MaskError(err))
			}
			changed = changed || a.extras[i]
		}
		return changed, nil
	})
}

func (b *named) newAttempt(hash string, now time.Time) *attempt {
	return &attempt{bundle: b, members: slices.Clone(b.members), hash: hash, began: now, extras: make([]bool, len(b.members))}
}

// launch makes a change, beside the loop.
func (r *Runner) launch(ctx context.Context, a *attempt, c apply.Change, why reason, before func() (bool, error)) {
	b := a.bundle
	destinations := b.destinations()
	b.debounce.stop()
	b.recheck, b.attempt = false, a
	a.secrets = secretsOf(r.units...)
	c.Desired = a.hash
	env := c.Reload.Env
	c.ReloadEnv = func(changed []string) []string {
		if len(changed) == 0 { // it is owed, and for which of them is not known
			changed = destinations
		}
		return append(environ(env, why, changed), "RESTENCIL_BUNDLE="+c.Bundle)
	}
	mask := a.secrets.Masker()
	run := func(ctx context.Context, c Command) (string, error) {
		output, err := r.run(ctx, c)
		if err == nil {
			return "", nil // nobody asks
		}
		return mask(output), inBrief(err)
	}
	tools := apply.Tools{Run: run, Journal: r.opts.journal(), Before: before}
	if !a.secrets.None() {
		tools.Hide = mask
	}
	r.underWay++
	go func() {
		a.outcome = apply.Apply(ctx, c, tools)
		r.attempts <- a
	}()
}

// attemptEnded notes what became of an attempt. The error ends Run.
func (r *Runner) attemptEnded(a *attempt, now time.Time) error {
	b, out := a.bundle, a.outcome
	r.underWay--
	b.attempt, b.ended = nil, now
	r.stir(b)
	if a.swapped() {
		for i, u := range a.members {
			r.memberInPlace(u, a, i, now)
		}
	}
	r.complain(errors.Join(out.Warnings...))
	if a.done != nil {
		a.done(out.Err)
	}
	if out.Err == nil {
		was := b.owed
		b.applied, b.owed, b.trouble = a.hash, false, trouble{}
		if files := a.changed(); len(files) > 0 || was {
			r.stdout(a.printed)
			r.tell(BundleApplied{Bundle: b.spec.Name, Files: files, Took: now.Sub(a.began)})
		}
		return nil
	}
	return r.attemptFailed(a, now)
}

// swapped tells whether the new files are in place.
func (a *attempt) swapped() bool {
	switch a.outcome.Step {
	case apply.Applied:
		return true
	case apply.Reload, apply.Verify:
		return !a.outcome.RolledBack
	}
	return false
}

// changed returns the destinations that have new content.
func (a *attempt) changed() []string {
	var files []string
	for i, u := range a.members {
		if a.outcome.Files[i].Change == renderer.Replaced || a.extras[i] {
			files = append(files, u.spec.Destination)
		}
	}
	return files
}

func (r *Runner) attemptFailed(a *attempt, now time.Time) error {
	b, out := a.bundle, a.outcome
	b.owed = b.owed || a.swapped() || out.RollbackErr != nil
	b.recheck = b.recheck || out.RolledBack
	if b.trouble.hash != a.hash {
		b.trouble = trouble{hash: a.hash}
	}
	b.trouble.row++
	delay := b.spec.Retry.Delay(b.trouble.row)
	b.trouble.retry = now.Add(delay)
	fatal := r.opts.Once || b.spec.ExitOnFailure
	if fatal {
		delay = 0
	}
	if !r.opts.Once { // whose error says the same
		r.tell(BundleFailed{
			Bundle: b.spec.Name, Step: out.Step, Err: out.Err, Output: out.Output,
			RolledBack: out.RolledBack, RollbackErr: out.RollbackErr, RetryIn: delay,
		})
	}
	if !fatal {
		return nil
	}
	return fmt.Errorf("bundle %q: %s failed: %w", b.spec.Name, out.Step, out.Err)
}

// memberInPlace notes that a member's file is as the attempt wanted it.
func (r *Runner) memberInPlace(u *unit, a *attempt, i int, now time.Time) {
	res := a.outcome.Files[i]
	looked := u.rendered && u.failure == "" && u.written == a.prints[i] && res.Change == renderer.Unchanged
	if a.outputs != nil {
		u.hold(a.outputs[i])
		r.lookAtMode(u, a.outputs[i])
	}
	u.written = a.prints[i]
	if !u.rendered && r.ids[u.id] == u {
		r.unrendered--
	}
	u.rendered = true
	if looked {
		return
	}
	if u.recover() {
		r.tell(Recovered{Template: u.spec.Name, Destination: u.spec.Destination})
	}
	r.tell(Rendered{
		Template: u.spec.Name, Destination: u.spec.Destination,
		Change: res.Change, InPlace: res.InPlace, Warnings: res.Warnings,
	})
	if res.Change == renderer.Replaced || a.extras[i] {
		r.changed(u, now)
	}
}
