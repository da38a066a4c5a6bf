package runner

import (
	"context"
	"fmt"
	"maps"
	"reflect"
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
	r.bundles.replace(next.bundles.list, r.opts)
	if r.moving == nil {
		r.moving = next.moving
	} else {
		maps.Copy(r.moving, next.moving)
	}
}

// Accept has the change made that holds a bundle back: a named one, or a file
// that has a guard or check of its own, by its destination. See
// [bundle.Bundle.Accept]. It may be called from any goroutine while Run is under way.
func (r *Runner) Accept(ctx context.Context, name string) error {
	b, err := r.bundleNamed(ctx, name)
	if err != nil {
		return err
	}
	return b.Accept(ctx, name)
}

// Rollback puts a generation of the named bundle's files back. See
// [bundle.Bundle.Rollback]. It may be called from any goroutine while Run is under
// way.
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
	select {
	case r.requests <- func() { found <- r.bundles.named(name) }:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if b := <-found; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("there is no bundle %q", name)
}
