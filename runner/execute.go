package runner

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"restencil/renderer"
	"restencil/template"
	"restencil/watch"
)

// An execution is what became of executing one unit.
type execution struct {
	unit   *unit
	result outcome
	err    error
}

// execute executes the dirty templates, side by side, against one snapshot,
// and has what they asked watched.
func (r *Runner) execute(ctx context.Context, now time.Time) error {
	done := r.executeAll(ctx, r.takeDirty(now))
	if ctx.Err() != nil {
		return nil // cut short, they say nothing
	}
	r.watch(done, now)
	for _, x := range done {
		if err := r.settle(x, now); err != nil {
			return err
		}
		r.plan(x.unit)
	}
	return nil
}

// takeDirty returns the units that are to be executed now, in order.
func (r *Runner) takeDirty(now time.Time) []*unit {
	for _, u := range r.retries.PopAll(now) {
		if !u.retryAt.After(now) {
			u.retryAt = time.Time{}
		}
		r.mark(u)
	}
	var dirty []*unit
	for _, u := range r.dirty {
		u.dirty = false
		if u.tmpl != nil && !(r.opts.Once && u.rendered) {
			dirty = append(dirty, u)
		}
	}
	r.dirty = r.dirty[:0]
	slices.SortFunc(dirty, byIndex)
	return dirty
}

// mark has u executed.
func (r *Runner) mark(u *unit) {
	if !u.dirty {
		u.dirty = true
		r.dirty = append(r.dirty, u)
	}
}

// plan notes when u is to be executed again, and to be reported, by itself.
func (r *Runner) plan(u *unit) {
	r.retries.Set(u, earliest(u.retryAt, u.patience.until))
	r.reports.Set(u, u.nextReport())
}

func byIndex(a, b *unit) int { return cmp.Compare(a.index, b.index) }

func (r *Runner) executeAll(ctx context.Context, units []*unit) []execution {
	done := make([]execution, len(units))
	run := func(i int) {
		result, err := units[i].tmpl.Execute(ctx, r.answer)
		done[i] = execution{unit: units[i], result: outcome{Result: result}, err: err}
		if err == nil && result.Complete() {
			done[i].result.print = fingerprintOf(result)
		}
	}
	parallel(len(units), runtime.GOMAXPROCS(0), run)
	return done
}

// parallel calls do(0) to do(n-1), at most width at a time.
func parallel(n, width int, do func(int)) {
	if n == 1 {
		do(0)
		return
	}
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, width) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// answer is the snapshot that templates execute against. The loop does not
// change it while they do.
func (r *Runner) answer(q watch.Query) (watch.Answer, bool) {
	st, ok := r.answers[q.ID()]
	return st.Answer, ok && st.Known
}

// watch brings the watched queries in line with what templates used. The watch
// plane hears of them all at once. What one template gave up and another took
// up goes on as it is.
func (r *Runner) watch(done []execution, now time.Time) {
	var added []watch.Query
	dropped := r.doomed
	for _, x := range done {
		used := x.result.Used
		if x.err != nil {
			used = template.Keep(r.graph.Uses(x.unit.id), used)
		}
		a, d := r.graph.Use(x.unit.id, used)
		added, dropped = append(added, a...), append(dropped, d...)
	}
	r.doomed = nil
	taken := func(q watch.Query) bool { return len(r.graph.Users(q)) > 0 }
	r.unwatch(slices.DeleteFunc(dropped, taken), now)
	r.watcher.Replace(r.moving)
	r.moving = nil
	r.watcher.Watch(added...)
}

// unwatch forgets queries that no template uses any more.
func (r *Runner) unwatch(queries []watch.Query, now time.Time) {
	r.watcher.Unwatch(queries...)
	for _, q := range queries {
		delete(r.answers, q.ID())
		r.tell(r.stores.forget(q, now))
	}
}

// settle decides what an execution means for its unit.
func (r *Runner) settle(x execution, now time.Time) error {
	u, out := x.unit, &x.result
	told := u.reports > 0
	u.wait(out.Missing, now)
	u.patience.executed(r.outstanding(x), len(r.graph.Uses(u.id)))
	if !out.Complete() {
		u.pending, u.latest = nil, nil // an older output does not go in place behind a newer state
		return nil
	}
	if x.err != nil {
		u.latest = nil
		return r.failed(u, x.err, now)
	}
	if r.restless(u, out) {
		return nil
	}
	if u.named != nil {
		r.settleNamed(u, out, now)
		return nil
	}
	if u.inPlace(out) && !u.recheck && u.stillThere(len(out.Output)) {
		u.pending = nil
		if told { // that it waits
			r.tell(Rendered{Template: u.spec.Name, Destination: u.spec.Destination, Change: renderer.Unchanged})
		}
		return nil
	}
	news := !u.inPlace(out) && (u.pending == nil || u.pending.print != out.print)
	u.pending, u.recheck = out, false
	u.retryAt = time.Time{} // new data is a new chance
	r.settled = append(r.settled, u)
	if b := u.bundle; news && u.rendered && u.spec.Wait != (Wait{}) {
		b.debounce.tick(now, u.spec.Wait)
		r.waits.Set(b, b.debounce.due)
	}
	return nil
}

// failed notes an error of a unit, and returns it where it ends Run.
func (r *Runner) failed(u *unit, err error, now time.Time) error {
	fatal := u.spec.OnError == ErrorFatal || r.opts.Once && u.spec.OnError != ErrorTolerated
	if fatal {
		return err
	}
	known := u.failure == err.Error()
	u.fail(err, now.Add(r.opts.Retry.Delay(u.failures+1)))
	if !known {
		r.tell(Failed{Template: u.spec.Name, Destination: u.spec.Destination, Err: err})
	}
	return nil
}
