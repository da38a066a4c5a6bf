package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

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

// How long a change waits at least for what belongs to it: answers that a store
// gives to several queries because of one write.
const (
	togetherMin = 10 * time.Millisecond
	togetherMax = 50 * time.Millisecond
)

// trouble is what is known of attempts that failed.
type trouble struct {
	hash  string // of what was attempted
	row   int    // attempts in a row
	retry time.Time
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
		if !o.Dry { // which prints one file at a time
			b.members = append(b.members, u)
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
	if news && b.applied != "" {
		b.debounce.tick(now, Wait{Min: max(b.spec.Wait.Min, togetherMin), Max: max(b.spec.Wait.Max, togetherMax)})
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
	for _, b := range r.alarms.PopAll(now) {
		r.stir(b)
	}
	stirred := r.stirred
	r.stirred = nil
	for _, b := range stirred {
		at, err := r.advance(ctx, b, now)
		if err != nil {
			return err
		}
		r.alarms.Set(b, at)
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

// idle tells whether no named bundle has anything to do but wait for another
// attempt, or for somebody to accept a change.
func (r *Runner) idle() bool {
	return r.underWay == 0 && !slices.ContainsFunc(r.named, func(b *named) bool {
		return len(b.members) > 0 && b.held == "" && b.trouble.row == 0 && b.applied == ""
	})
}
