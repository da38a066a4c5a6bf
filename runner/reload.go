package runner

import (
	"context"
	"reflect"
	"time"

	"restencil/watch"
)

// Reload has Run go on with other Options. They are checked and the templates
// parsed first: after an error, Run goes on as before. What did not change
// stays as it is: a template keeps its data and timers, and its command does
// not run again. Destinations that were changed by hand are put right. The Watcher is the one in use, or another that takes its
// place; then every template counts as changed.
//
// Reload may be called from any goroutine while Run is under way. It returns
// when the new Options are in force, or with the cause of ctx's end.
func (r *Runner) Reload(ctx context.Context, o Options, w *watch.Watcher) error {
	next, err := New(o, w)
	if err != nil {
		return err
	}
	select {
	case r.reloads <- next:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// replace takes over from next, a Runner that never ran, what is new there.
func (r *Runner) replace(ctx context.Context, next *Runner, now time.Time) {
	for _, u := range next.units {
		u.id = 0 // next numbered them for itself
	}
	if next.watcher == r.watcher {
		r.keepUnits(next)
	}
	old := r.units
	r.opts, r.units, r.early = next.opts, next.units, next.early
	r.enlist()
	r.bundles = join(r.units, r.bundles)
	r.loaded()
	for _, u := range old {
		if r.ids[u.id] == nil {
			r.discharge(u, now)
		}
	}
	if next.watcher != r.watcher {
		r.switchTo(ctx, next.watcher)
	}
}

// keepUnits puts units of r in the place of those of next that are the same,
// and has their destinations looked at.
func (r *Runner) keepUnits(next *Runner) {
	kept := make(map[*unit]bool)
	for i, n := range next.units {
		for _, u := range r.units {
			if !kept[u] && reflect.DeepEqual(u.spec, n.spec) {
				kept[u], next.units[i] = true, u
				u.dirty, u.recheck = true, true
				break
			}
		}
	}
}

// enlist numbers the units.
func (r *Runner) enlist() {
	ids := make(map[int]*unit, len(r.units))
	for i, u := range r.units {
		u.index = i
		if u.id == 0 {
			r.lastID++
			u.id = r.lastID
		}
		ids[u.id] = u
	}
	r.ids = ids
}

// discharge forgets a unit that is no more.
func (r *Runner) discharge(u *unit, now time.Time) {
	_, dropped := r.graph.Use(u.id, nil)
	r.unwatch(dropped, now)
}

// switchTo has the queries answered by another watcher. Until it does, the
// last answers of the old one hold.
func (r *Runner) switchTo(ctx context.Context, w *watch.Watcher) {
	r.stopSources()
	r.watcher = w
	r.stores = stores{}
	for q, st := range r.answers {
		st.Version, st.Failure = 0, nil // whatever comes is new
		r.answers[q] = st
	}
	r.watcher.Watch(r.graph.Queries()...)
	r.runSources(ctx)
}
