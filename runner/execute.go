package runner

import (
	"context"
	"runtime"
	"sync"
	"time"

	"restencil/renderer"
	"restencil/template"
	"restencil/watch"
)

// An execution is what became of executing one unit.
type execution struct {
	unit   *unit
	result template.Result
	err    error
}

// execute executes the dirty templates, side by side, against one snapshot,
// and has what they asked watched.
func (r *Runner) execute(ctx context.Context, now time.Time) error {
	dirty := r.takeDirty(now)
	done := r.executeAll(ctx, dirty)
	if ctx.Err() != nil {
		return nil // cut short, they say nothing
	}
	for _, x := range done {
		r.watch(x, now)
		if err := r.settle(x, now); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) takeDirty(now time.Time) []*unit {
	var dirty []*unit
	for _, u := range r.units {
		if !u.retryAt.IsZero() && !u.retryAt.After(now) {
			u.retryAt, u.dirty = time.Time{}, true
		}
		if u.dirty && u.tmpl != nil && !(r.opts.Once && u.rendered) {
			dirty = append(dirty, u)
		}
		u.dirty = false
	}
	return dirty
}

func (r *Runner) executeAll(ctx context.Context, units []*unit) []execution {
	done := make([]execution, len(units))
	run := func(i int) {
		result, err := units[i].tmpl.Execute(ctx, r.answer)
		done[i] = execution{units[i], result, err}
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
	st, ok := r.answers[q]
	return st.Answer, ok && st.Known
}

// watch brings the watched queries in line with what the template used.
func (r *Runner) watch(x execution, now time.Time) {
	used := x.result.Used
	if x.err != nil {
		used = template.Keep(r.graph.Uses(x.unit.id), used)
	}
	added, dropped := r.graph.Use(x.unit.id, used)
	r.unwatch(dropped, now)
	r.watcher.Watch(added...)
}

// unwatch forgets queries that no template uses any more.
func (r *Runner) unwatch(queries []watch.Query, now time.Time) {
	r.watcher.Unwatch(queries...)
	for _, q := range queries {
		delete(r.answers, q)
		r.tell(r.stores.forget(q, now))
	}
}

// settle decides what an execution means for its unit.
func (r *Runner) settle(x execution, now time.Time) error {
	u := x.unit
	told := u.reports > 0
	u.wait(x.result.Missing, now)
	if !x.result.Complete() {
		u.pending = nil // an older output does not go in place behind a newer state
		return nil
	}
	if x.err != nil {
		return r.failed(u, x.err, now)
	}
	if u.inPlace(x.result) && !u.recheck && u.stillThere(len(x.result.Output)) {
		u.pending = nil
		if told { // that it waits
			r.tell(Rendered{Template: u.spec.Name, Destination: u.spec.Destination, Change: renderer.Unchanged})
		}
		return nil
	}
	news := !u.inPlace(x.result) && (u.pending == nil || fingerprintOf(*u.pending) != fingerprintOf(x.result))
	u.pending, u.recheck = &x.result, false
	u.retryAt = time.Time{} // new data is a new chance
	if news && u.rendered && u.spec.Wait != (Wait{}) {
		u.bundle.debounce.tick(now, u.spec.Wait)
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
