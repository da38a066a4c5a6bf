package runner

import (
	"context"
	"reflect"
	"slices"
	"time"

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
	for _, u := range next.units {
		u.id = 0 // next numbered them for itself
	}
	r.keepUnits(next)
	old := r.units
	r.opts, r.units, r.early, r.moving = next.opts, next.units, next.early, next.moving
	r.enlist()
	r.bundles = join(r.units, r.bundles)
	r.takeOverNamed()
	r.loaded()
	for _, u := range old {
		if r.ids[u.id] == nil {
			r.discharge(u)
		}
	}
	r.wanted = slices.DeleteFunc(r.wanted, func(b *bundle) bool { return len(b.members) == 0 })
}

// takeOverNamed makes the named bundles anew, and has them go on where those of
// before stand.
func (r *Runner) takeOverNamed() {
	old := r.named
	r.named, _ = recruit(r.opts, r.units) // New has checked it
	for _, b := range r.named {
		i := slices.IndexFunc(old, func(o *named) bool { return o.spec.Name == b.spec.Name })
		if i >= 0 {
			b.takeOver(old[i])
		}
		r.stir(b)
	}
	for _, o := range old {
		o.members = nil // whatever is under way for it has no consequences
		r.alarms.Set(o, time.Time{})
	}
}

// keepUnits puts units of r in the place of those of next that are the same,
// and has their destinations looked at.
func (r *Runner) keepUnits(next *Runner) {
	old := make(map[Output][]*unit) // that are not kept yet
	for _, u := range r.units {
		old[u.output()] = append(old[u.output()], u)
	}
	for i, n := range next.units {
		like := old[n.output()]
		same := slices.IndexFunc(like, func(u *unit) bool { return reflect.DeepEqual(u.spec, n.spec) })
		if same >= 0 {
			u := like[same]
			old[n.output()] = slices.Delete(like, same, same+1)
			next.units[i] = u
			u.dirty, u.recheck = true, true
		}
	}
}

// enlist numbers the units, and notes what there is to do for them.
func (r *Runner) enlist() {
	r.ids = make(map[int]*unit, len(r.units))
	r.dirty, r.unrendered = nil, 0
	for i, u := range r.units {
		u.index, u.secretPerms = i, r.opts.SecretPerms
		if u.id == 0 {
			r.lastID++
			u.id = r.lastID
		}
		r.ids[u.id] = u
		if u.dirty {
			r.dirty = append(r.dirty, u)
		}
		if !u.rendered {
			r.unrendered++
		}
	}
}

// discharge forgets a unit that is no more. What it asked may be what a new one
// asks, so that is seen to later.
func (r *Runner) discharge(u *unit) {
	_, dropped := r.graph.Use(u.id, nil)
	r.doomed = append(r.doomed, dropped...)
	r.retries.Set(u, time.Time{})
	r.reports.Set(u, time.Time{})
}
