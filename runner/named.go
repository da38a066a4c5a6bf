package runner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"restencil/renderer"
	"restencil/runner/apply"
	"restencil/runner/guard"
	"restencil/watch"
)

// A named bundle is one whose files change together or not at all. Its changes
// are made beside the loop, one at a time (package apply); this is what the loop
// knows of it.
//
// Whatever happens, advance decides anew from the newest outputs what is to be
// done: so that any number of changes during an attempt are worth one more.
type named struct {
	spec    Bundle
	members []*unit

	debounce debounce
	attempt  *attempt // under way, nil: none
	ended    time.Time
	recalled bool // the journal was asked

	applied string // the hash of what was applied, "" before the first time
	owed    bool   // a reload is owed for it, from before
	recheck bool   // the destinations are to be looked at, though all was applied
	trouble trouble

	held     string // why the newest change is not made, "": it is not held
	accepted string // the hash of a change that was held and may be made
	pinned   string // the hash of a change that is not made, since somebody rolled back
}

// trouble is what is known of attempts that failed.
type trouble struct {
	hash  string // of what was attempted
	row   int    // attempts in a row
	retry time.Time
}

// An attempt is a change that is being made.
type attempt struct {
	bundle  *named
	members []*unit
	hash    string
	prints  []fingerprint // by member
	extras  []bool        // by member: a file of writeToFile has changed
	printed string
	began   time.Time
	outcome apply.Outcome
	done    func(error) // nil: nobody waits for it
}

// recruit makes the named bundles of o, with the units that belong to them.
func recruit(o Options, units []*unit) ([]*named, error) {
	var list []*named
	byName := make(map[string]*named)
	for _, spec := range o.Bundles {
		if spec.Retry == (watch.Backoff{}) {
			spec.Retry = o.Retry
		}
		if o.Once {
			spec.Wait = Wait{}
		}
		if byName[spec.Name] != nil {
			return nil, fmt.Errorf("bundle %q is there twice", spec.Name)
		}
		byName[spec.Name] = &named{spec: spec}
		list = append(list, byName[spec.Name])
	}
	for _, u := range units {
		u.named = nil
		if u.spec.Bundle == "" {
			continue
		}
		b := byName[u.spec.Bundle]
		if b == nil {
			return nil, fmt.Errorf("template %s belongs to bundle %q, which is not there", u.spec.Name, u.spec.Bundle)
		}
		b.members = append(b.members, u)
		if !o.Dry {
			u.named = b
		}
	}
	return list, nil
}

// takeOver has b go on where old, of the same name, stands.
func (b *named) takeOver(old *named) {
	spec, members := b.spec, b.members
	*b = *old
	b.spec, b.members, b.recheck = spec, members, true
	if b.attempt != nil {
		b.attempt.bundle = b
	}
	old.members = nil
}

// settleNamed takes the newest complete output of a member.
func (r *Runner) settleNamed(u *unit, out *outcome, now time.Time) {
	b := u.named
	news := u.latest == nil || u.latest.print != out.print
	u.latest, u.retryAt = out, time.Time{}
	if u.recheck || !u.inPlace(out) || !u.stillThere(len(out.Output)) {
		b.recheck = true
	}
	u.recheck = false
	if news && b.applied != "" && b.spec.Wait != (Wait{}) {
		b.debounce.tick(now, b.spec.Wait)
	}
	r.stir(b)
}

// stir has a bundle looked at in this step.
func (r *Runner) stir(b *named) {
	if b != nil && !slices.Contains(r.stirred, b) {
		r.stirred = append(r.stirred, b)
	}
}

// advanceAll looks at every bundle for which there may be something to do.
func (r *Runner) advanceAll(ctx context.Context, now time.Time) error {
	for _, b := range r.alarms.take(now) {
		r.stir(b)
	}
	stirred := r.stirred
	r.stirred = nil
	for _, b := range stirred {
		at, err := r.advance(ctx, b, now)
		if err != nil {
			return err
		}
		r.alarms.set(b, at)
	}
	return nil
}

// advance does what is to be done for b. It returns when it is to be looked at
// again by itself, zero: not at all. The error ends Run.
func (r *Runner) advance(ctx context.Context, b *named, now time.Time) (again time.Time, err error) {
	if b.attempt != nil || !b.complete() {
		return time.Time{}, nil
	}
	r.recallNamed(b)
	hash := b.hash()
	if hash == b.applied && !b.owed && !b.recheck {
		b.debounce.stop()
		r.release(b)
		return time.Time{}, nil
	}
	if at := b.notBefore(hash); at.After(now) {
		return at, nil
	}
	if why := r.objection(b, hash); why != "" {
		return time.Time{}, r.hold(b, why)
	}
	r.release(b)
	r.begin(ctx, b, hash, now)
	return time.Time{}, nil
}

func (b *named) destinations() []string {
	var list []string
	for _, u := range b.members {
		list = append(list, u.spec.Destination)
	}
	return list
}

// complete tells whether every member has an output.
func (b *named) complete() bool {
	return len(b.members) > 0 && !slices.ContainsFunc(b.members, func(u *unit) bool { return u.latest == nil })
}

// hash tells apart what the members are to hold.
func (b *named) hash() string {
	h := sha256.New()
	for _, u := range b.members {
		fmt.Fprintf(h, "%q %x %x\n", u.spec.Destination, u.latest.print.output, u.latest.print.files)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// notBefore is when a change to hash may be made.
func (b *named) notBefore(hash string) time.Time {
	at := b.debounce.due
	if b.trouble.hash == hash && b.trouble.retry.After(at) {
		at = b.trouble.retry // other data is a new chance
	}
	if next := b.ended.Add(b.spec.MinInterval); b.spec.MinInterval > 0 && !b.ended.IsZero() && next.After(at) {
		at = next
	}
	return at
}

// objection says why a change is not to be made, "" where it may.
func (r *Runner) objection(b *named, hash string) string {
	switch hash {
	case b.accepted, b.applied:
		return ""
	case b.pinned:
		return "somebody rolled back from it"
	}
	for _, u := range b.members {
		if why := u.spec.Guard.Check(r.facts(u)); why != "" {
			return why
		}
	}
	return b.spec.Guard.Check(r.facts(b.members...))
}

// facts returns what the newest outputs of units come to.
func (r *Runner) facts(units ...*unit) guard.Facts {
	f := guard.Facts{Instances: make(map[string]int)}
	for _, u := range units {
		r.countInstances(u, f.Instances)
		file := guard.File{
			Path: u.spec.Destination, Old: -1, New: len(u.latest.Output),
			Blank: len(bytes.TrimSpace(u.latest.Output)) == 0,
		}
		if info, err := os.Stat(u.spec.Destination); err == nil {
			file.Old = int(info.Size())
		}
		f.Files = append(f.Files, file)
	}
	return f
}

// countInstances counts the instances of the services that u uses. Where it asks
// for one in several ways, the fewest count, since those are in some file; but
// not those with a certain tag where it asks without one.
func (r *Runner) countInstances(u *unit, count map[string]int) {
	tagged := make(map[string]int)
	for _, q := range r.graph.Uses(u.id) {
		n, ok := instancesIn(r.answers[q.ID()])
		to := count
		if q.Tag != "" {
			to = tagged
		}
		if least, known := to[q.Name]; ok && (!known || n < least) {
			to[q.Name] = n
		}
	}
	for name, n := range tagged {
		if _, known := count[name]; !known {
			count[name] = n
		}
	}
}

// instancesIn returns how many instances of a service an answer has, where it
// is one about that.
func instancesIn(st watch.State) (n int, ok bool) {
	switch data := st.Answer.Data.(type) {
	case []*watch.HealthService:
		return len(data), true
	case []*watch.NomadServiceInstance:
		return len(data), true
	}
	return 0, false
}

// hold notes that b's newest change is not made. The error ends Run.
func (r *Runner) hold(b *named, why string) error {
	if b.held != why {
		b.held = why
		r.tell(BundleHeld{Bundle: b.spec.Name, Reason: why})
	}
	if r.opts.Once {
		return fmt.Errorf("bundle %q is held back: %s", b.spec.Name, why)
	}
	return nil
}

func (r *Runner) release(b *named) {
	if b.held != "" {
		b.held = ""
		r.tell(BundleReleased{Bundle: b.spec.Name})
	}
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
			Secret:   secret(u.latest.Used) && !r.opts.KeepSecrets,
		})
		if _, err := os.Lstat(u.spec.Destination); err == nil {
			c.First = false
		}
	}
	return c
}

// secret tells whether an output may hold something that must not be shown.
func secret(used []watch.Query) bool {
	return slices.ContainsFunc(used, func(q watch.Query) bool {
		return q.Store() == watch.Vault || q.Kind == watch.NomadVarGet
	})
}

// begin makes what b's newest outputs ask for.
func (r *Runner) begin(ctx context.Context, b *named, hash string, now time.Time) {
	a := b.newAttempt(hash, now)
	for _, u := range b.members {
		a.prints = append(a.prints, u.latest.print)
		a.printed += u.latest.Printed
	}
	why := reasonChange
	switch {
	case b.trouble.hash == hash:
		why = reasonRetry
	case b.applied == "":
		why = reasonStart
	}
	c := r.change(b)
	outputs := make([]*outcome, len(b.members))
	for i, u := range b.members {
		outputs[i] = u.latest
	}
	r.launch(ctx, a, c, why, func() (changed bool, err error) {
		for i, u := range a.members {
			if a.extras[i], err = u.writeFiles(outputs[i]); err != nil {
				return changed, u.renderError(err)
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
	c.Desired = a.hash
	env := c.Reload.Env
	c.ReloadEnv = func(changed []string) []string {
		if len(changed) == 0 { // it is owed, and for which of them is not known
			changed = destinations
		}
		return append(environ(env, why, changed), "RESTENCIL_BUNDLE="+c.Bundle)
	}
	tools := apply.Tools{Run: r.run, Journal: r.opts.journal(), Before: before}
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
	r.tell(BundleFailed{
		Bundle: b.spec.Name, Step: out.Step, Err: out.Err, Output: out.Output,
		RolledBack: out.RolledBack, RollbackErr: out.RollbackErr, RetryIn: delay,
	})
	if !fatal {
		return nil
	}
	return fmt.Errorf("bundle %q: %s failed: %w", b.spec.Name, out.Step, out.Err)
}

// memberInPlace notes that a member's file is as the attempt wanted it.
func (r *Runner) memberInPlace(u *unit, a *attempt, i int, now time.Time) {
	res := a.outcome.Files[i]
	looked := u.rendered && u.failure == "" && u.written == a.prints[i] && res.Change == renderer.Unchanged
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

// idle tells whether no named bundle has anything to do but wait for another
// attempt, or for somebody to accept a change.
func (r *Runner) idle() bool {
	return r.underWay == 0 && !slices.ContainsFunc(r.named, func(b *named) bool {
		return len(b.members) > 0 && b.held == "" && b.trouble.row == 0 && b.applied == ""
	})
}
