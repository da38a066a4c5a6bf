package runner

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"restencil/runner/bundle"
	"restencil/watch"
)

// Reload has Run go on with other Options. They are checked and the templates
// parsed first: after an error, Run goes on as before. What did not change
// stays as it is: a template keeps its data and timers, and its command does
// not run again. Destinations that were changed by hand are put right.
//
// Each of sources takes the place of its store's (see watch.Watcher.Replace),
// once the queries are known of which the new Options have need: it is asked no
// others, and of those that are new the old source never hears. The other
// stores' sources go on. Nil: all do.
//
// Reload may be called from any goroutine while Run is under way. It returns
// when the new Options are in force, or with the cause of ctx's end.
func (r *Runner) Reload(ctx context.Context, o Options, sources map[watch.Store]watch.Source) error {
	next, err := New(o, r.watcher)
	if err != nil {
		return err
	}
	next.moving = sources
	select {
	case r.reloads <- next:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// replace takes over from next, a Runner that never ran, what is new there.
func (r *Runner) replace(next *Runner) {
	old := r.opts.Templates
	r.opts = next.opts
	r.events.redirect(next.opts.Events)
	r.templates.Replace(next.templates, func(i, j int) bool { return reflect.DeepEqual(old[i], r.opts.Templates[j]) }, time.Now())
	r.replaceBundles(next.bundles.specs)
	if r.moving == nil {
		r.moving = next.moving
	} else {
		maps.Copy(r.moving, next.moving)
	}
}

// replaceBundles has the bundles run that are planned. One that is the same in
// every detail goes on with all that it has under way. The others are stopped;
// those that take their place begin when they have ended.
func (r *Runner) replaceBundles(specs []planned) {
	b := &r.bundles
	old := b.list
	b.list = nil
	b.members = make([]member, len(r.opts.Templates))
	var fresh []planned
	for _, p := range specs {
		i := slices.IndexFunc(old, func(s *bundleState) bool { return s.Spec().Equal(p.spec) })
		if i < 0 {
			fresh = append(fresh, p)
			continue
		}
		s := old[i]
		old = slices.Delete(old, i, i+1)
		s.templates = p.templates
		b.add(s)
	}
	var stopped []*bundle.Bundle
	for _, s := range old {
		delete(b.of, s.Bundle)
		s.Stop()
		stopped = append(stopped, s.Bundle)
	}
	// What the options say to all bundles, too.
	shared := *b.shared
	shared.KeepSecrets, shared.Reconcile = r.opts.KeepSecrets, r.opts.Reconcile
	b.shared = &shared
	for _, p := range fresh {
		var after []*bundle.Bundle
		for _, old := range stopped {
			if old.Spec().Overlaps(p.spec) {
				after = append(after, old)
			}
		}
		b.run(p, after...)
	}
	slices.SortFunc(b.list, func(x, y *bundleState) int { return x.templates[0] - y.templates[0] })
}

// Accept has the change made that holds a bundle back: a named one, or a file
// that has a guard or check of its own, by its destination. It is an error that
// nothing is held. It may be called from any goroutine while Run is under way,
// and returns when that is settled, or with the cause of ctx's end.
func (r *Runner) Accept(ctx context.Context, name string) error {
	b, err := r.bundleNamed(ctx, name)
	if err != nil {
		return err
	}
	return b.Accept(ctx, name)
}

// Rollback puts a generation of the named bundle's files back, which the
// journal keeps, and reloads what reads them. The change from which that goes
// back is held until other data comes, or it is accepted. Rollback may be called
// from any goroutine while Run is under way. It returns what came of it.
func (r *Runner) Rollback(ctx context.Context, name string, generation int) error {
	b, err := r.bundleNamed(ctx, name)
	if err != nil {
		return err
	}
	return b.Rollback(ctx, generation)
}

// bundleNamed asks the loop for a bundle.
func (r *Runner) bundleNamed(ctx context.Context, name string) (*bundle.Bundle, error) {
	found := make(chan *bundle.Bundle, 1)
	request := func() { found <- r.bundles.named(name) }
	select {
	case r.requests <- request:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if b := <-found; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("there is no bundle %q", name)
}

// named returns the bundle of that name, or with a file of that destination; nil
// where there is none.
func (b *bundles) named(name string) *bundle.Bundle {
	for _, s := range b.list {
		if s.Spec().Name == name && s.Spec().Policy == bundle.Together {
			return s.Bundle
		}
	}
	for _, s := range b.list {
		for _, m := range s.Spec().Members {
			if m.Destination == name && s.Spec().Policy == bundle.Each {
				return s.Bundle
			}
		}
	}
	return nil
}
