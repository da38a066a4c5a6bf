// Package runner is the loop that joins the others: it takes the newest answers
// from the watch plane, hands them to the templates (package templates), and
// offers what those render to the bundles (package bundle), which put the files in
// place and run the commands.
//
// One goroutine, in [Runner.Run], owns the templates and knows the bundles. It
// never waits and touches no disk. What takes time runs beside it and reports
// back: the sources in the watch plane, the executions of templates, a goroutine
// for each bundle, and the supervisor of the child (package process). What happens
// is told as typed events (package event); logs, pages and metrics are made from
// those alone.
package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"restencil/runner/bundle"
	"restencil/runner/diff"
	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/runner/templates"
	"restencil/template"
	"restencil/watch"
	"restencil/watch/schedule"
)

// A Runner renders templates from the answers of a Watcher. Make one with New
// and call Run once.
type Runner struct {
	opts    Options
	watcher *watch.Watcher
	events  *events

	reloads  chan *Runner // what Reload has made ready
	requests chan func()  // what is asked of the loop

	// Owned by the loop in Run.
	templates  *templates.Set
	bundles    bundles // what puts the outputs in place
	child      child
	stores     stores
	ready      bool                         // Ready was told
	alive      time.Time                    // when Alive is to be told
	successors map[watch.Store]watch.Source // to take others' places when the new templates have been executed
	deadline   time.Time                    // with Once: when all is to be done; zero: there is none

	stopSources func()  // ends the watcher
	failures    []error // with Once: the commands that failed
}

// New checks o and parses the templates. The error names every template that
// cannot be used, a line each. The Runner takes over the Watcher: Run runs it.
func New(o Options, w *watch.Watcher) (*Runner, error) {
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if o.Once || o.Dry {
		o.State.Journal = nil
	}
	r := &Runner{
		opts:     o,
		watcher:  w,
		events:   &events{to: o.Events},
		reloads:  make(chan *Runner),
		requests: make(chan func()),
	}
	r.stores = newStores(r.events.emit)
	r.stores.local = o.Local
	var errs []error
	if c := o.Child; c != nil && (len(c.Args) == 0 || c.Args[0] == "") {
		errs = append(errs, errors.New("the child has no command"))
	}
	set := templates.Options{
		Host:  template.Host{LookupEnv: o.LookupEnv, Serves: w.Serves, Warn: o.Warn},
		Retry: retry,
		Once:  o.Once,
	}
	r.opts.Templates = withCertFiles(o.Templates)
	for i := range r.opts.Templates {
		t := &r.opts.Templates[i]
		if t.Destination == "" && !o.Dry {
			errs = append(errs, fmt.Errorf("template %s has no destination: give one (-template SRC:DEST), or use -dry to print it", t.Name))
		}
		t.Template = t.Name
		t.Fatal = t.OnError == ErrorFatal || o.Once && t.OnError != ErrorTolerated
		if o.Once {
			t.Wait = Wait{}
		}
		if t.Bundle != "" {
			t.Wait, t.Command = Wait{}, Command{}
		}
		set.Templates = append(set.Templates, templates.Template{
			Options:     t.Options,
			Destination: t.Destination,
			Fatal:       t.Fatal,
			Lenient:     t.OnError == ErrorTolerated,
		})
	}
	var err error
	r.templates, err = templates.New(set)
	errs = append(errs, err)
	r.bundles.list, err = plan(r.opts)
	return r, errors.Join(append(errs, err)...)
}

// Run renders until ctx ends, which is no error; or, with Once, until all is
// done. It returns an error that ends it: a template or query that may not
// fail (see Options), a [*process.ChildExit], and with Once any failure. When it
// returns, everything that it started has ended.
func (r *Runner) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	executor := process.NewExecutor(r.opts.Stdout, r.opts.Stderr, r.opts.Once)
	executor.Line = r.opts.CommandOutput
	system := r.opts.System
	if system == nil {
		system = executor
	}
	r.templates.Start(ctx, r.events.emit)
	r.bundles.start(ctx, r.opts, r.events.emit, system)
	r.child.spawn = system.Spawn
	toSources, stop := context.WithCancel(ctx)
	var sources sync.WaitGroup
	sources.Go(func() { r.watcher.Run(toSources) })
	r.stopSources = func() { stop(); sources.Wait() }
	defer func() {
		cancel()
		if s := r.child.now.Load(); s != nil {
			<-s.Done()
		}
		r.bundles.running.Wait()
		r.templates.Join()
		executor.Close()
		r.stopSources()
	}()
	return r.loop(ctx)
}

// loop never waits for anything but news, and touches no disk: what takes time
// is done by the goroutines of the pool, the bundles and the child.
func (r *Runner) loop(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	if r.opts.Once && r.opts.Limits.OnceTimeout > 0 {
		r.deadline = time.Now().Add(r.opts.Limits.OnceTimeout)
	}
	for {
		if end, err := r.step(ctx, time.Now()); end {
			return err
		}
		timer.Stop()
		giveUp, _ := r.stores.giveUp(r.opts.Limits.StoreDown)
		if at := schedule.Earliest(r.alive, r.deadline, giveUp, r.stores.pending.Next(), r.templates.Next()); !at.IsZero() {
			timer.Reset(time.Until(at))
		}
		var err error
		var childEnded <-chan struct{}
		if s := r.child.now.Load(); s != nil {
			childEnded = s.Done()
		}
		select {
		case <-ctx.Done():
			return nil
		case next := <-r.reloads:
			r.replace(next)
		case <-r.watcher.Changed():
			err = r.take(time.Now())
		case <-r.templates.Changed():
		case report := <-r.bundles.reports:
			err = r.hear(report)
		case request := <-r.requests:
			request()
		case <-childEnded:
			s := r.child.now.Swap(nil)
			if ctx.Err() != nil {
				return nil // which ended the child, too
			}
			if !s.Replaced() {
				return s.Err()
			}
		case <-timer.C:
		}
		if err != nil {
			return err
		}
	}
}

// step does all that can be done now. It tells whether Run ends.
func (r *Runner) step(ctx context.Context, now time.Time) (end bool, err error) {
	done, err := r.templates.Take(now)
	if err != nil {
		return true, err
	}
	r.watch(done, now)
	if len(done.Results) > 0 {
		r.offer(done.Results)
	}
	r.templates.Execute(now)
	r.stores.report(now)
	r.updateChild(ctx)
	if !r.ready && r.finished() {
		r.ready = true
		r.events.emit(event.Ready{})
	}
	if every := r.opts.Heartbeat; every > 0 && !now.Before(r.alive) {
		r.alive = now.Add(every)
		r.events.emit(event.Alive{})
	}
	if at, err := r.stores.giveUp(r.opts.Limits.StoreDown); err != nil && !now.Before(at) {
		return true, err
	}
	if r.opts.Once && r.finished() {
		if err := joinFailures(r.failures); err != nil || r.opts.Child == nil {
			return true, err
		}
		r.stopSources() // nothing is needed while the child runs
		r.deadline = time.Time{}
	}
	if !r.deadline.IsZero() && !now.Before(r.deadline) {
		missing := r.templates.Missing(r.opts.Local != "")
		if len(missing) == 0 {
			missing = []string{"a command is still running"}
		}
		return true, fmt.Errorf("not done within %v (once_timeout): %s", r.opts.Limits.OnceTimeout, strings.Join(missing, "\n"))
	}
	return false, nil
}

// watch has those queries watched that templates use. Sources that are to take
// the places of others do so when all new templates have been executed. Until then
// no other query is put to the old ones.
func (r *Runner) watch(done templates.Batch, now time.Time) {
	if len(done.Added)+len(done.Dropped) > 0 {
		r.events.emit(event.Watched{Added: done.Added, Dropped: done.Dropped})
	}
	if len(done.Dropped) > 0 {
		r.watcher.Unwatch(done.Dropped...)
		for _, q := range done.Dropped {
			r.stores.forget(q, now)
		}
	}
	added := done.Added
	switch {
	case r.successors == nil:
	case r.templates.Replacing():
		added = slices.DeleteFunc(added, func(q watch.ID) bool { return r.successors[q.Value().Store()] != nil })
	default:
		r.watcher.Replace(r.successors)
		r.successors = nil
		added = r.templates.Queries() // with those that were not put to the old sources
	}
	if len(added) > 0 {
		r.watcher.Watch(added...)
	}
}

// take brings in what is new from the watch plane, and executes the templates that
// it touches; meanwhile it notes what that says about the stores. The error is that
// of a query that failed too often.
func (r *Runner) take(now time.Time) error {
	updates := r.watcher.Take()
	told := make([]event.Update, len(updates))
	for i, up := range updates {
		a := &up.State.Answer
		told[i] = event.Update{
			Query: up.ID, Version: up.State.Version, Index: a.Index, Failure: up.State.Failure,
			Time: a.Time, Size: a.Size(), Ends: a.Ends(),
		}
	}
	r.events.emit(event.Updated{Updates: told})
	for _, up := range updates {
		r.templates.Update(up.ID, up.State, now)
	}
	r.templates.Execute(now)
	for _, up := range updates {
		q, f := up.ID.Value(), up.State.Failure
		r.stores.note(up.ID, f, now)
		if f == nil {
			continue
		}
		if r.opts.Once && (watch.Classify(f.Err) == watch.Invalid || q.Store() == watch.Files) {
			return f.Err // asking again would not help; for a file, as in consul-template (COMPAT 3.7)
		}
		if most := r.opts.Limits.Attempts[q.Store()]; most != 0 && f.Attempts > most {
			return fmt.Errorf("%w (gave up after %d attempts)", f.Err, f.Attempts)
		}
	}
	return nil
}

// finished tells whether every template has been rendered and every command been
// run. One that waits for another attempt has been run; with Once there are no
// such.
func (r *Runner) finished() bool {
	return r.templates.Rendered() && r.templates.Idle() && r.bundles.settled(r.bundles.pass)
}

// hear takes in what a bundle reports. Of one that has been replaced, and ends,
// only what it has done counts.
func (r *Runner) hear(report bundle.Report) error {
	pass := r.bundles.pass
	if b := r.bundles.of[report.Bundle]; b != nil {
		pass = b.offered
		b.settled = max(b.settled, report.Pass)
		for _, i := range report.Placed {
			r.templates.Placed(b.templates[i])
		}
		for _, i := range report.Drifted {
			r.templates.Recheck(b.templates[i])
		}
	}
	if c := &r.child; c.now.Load() != nil && len(report.Changed) > 0 {
		c.files.Add(report.Changed...)
		c.reload = cmp.Or(c.reload, pass)
		c.last = max(c.last, pass)
	}
	if report.Command != nil {
		r.failures = append(r.failures, report.Command)
	}
	return report.Fatal
}

// events passes events on, one at a time, from any goroutine.
type events struct {
	mu sync.Mutex
	to func(event.Event) // nil: nobody listens
}

func (e *events) emit(ev event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.to != nil {
		e.to(ev)
	}
}

// joinFailures makes one error of those of a run with Once, nil where there are
// none.
func joinFailures(errs []error) error {
	if len(errs) < 2 {
		return errors.Join(errs...)
	}
	lines := make([]string, len(errs))
	for i, err := range errs {
		lines[i] = "\t* " + err.Error()
	}
	return fmt.Errorf("%d errors occurred:\n%s", len(errs), strings.Join(lines, "\n"))
}

// Reload has Run go on with other Options. They are checked and the templates
// parsed first: after an error, Run goes on as before. What did not change
// stays as it is: a template keeps its data and timers, and its command does
// not run again. Destinations that were changed by hand are put right.
//
// Each of sources takes the place of its store's (see watch.Watcher.Replace),
// once the queries of the new Options are known. It gets only those, and the old
// source gets no new ones. The other stores' sources go on. Nil: all do.
//
// Reload may be called from any goroutine while Run is under way. It returns
// when the new Options are in force, or with the cause of ctx's end.
func (r *Runner) Reload(ctx context.Context, o Options, sources map[watch.Store]watch.Source) error {
	next, err := New(o, r.watcher)
	if err != nil {
		return err
	}
	next.successors = sources
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
	r.opts, r.stores.local = next.opts, next.opts.Local
	r.events.mu.Lock()
	r.events.to = next.opts.Events
	r.events.mu.Unlock()
	r.templates.Replace(next.templates, func(i, j int) bool { return reflect.DeepEqual(old[i], r.opts.Templates[j]) }, time.Now())
	r.bundles.replace(next.bundles.list, r.opts)
	if r.successors == nil {
		r.successors = next.successors
	} else {
		maps.Copy(r.successors, next.successors)
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

// Diff returns the files of a bundle that are not what they are to be, each with
// its change: one that waits, is held, has failed or is about to be made. It may be
// called from any goroutine while Run is under way.
func (r *Runner) Diff(ctx context.Context, name string) ([]diff.File, error) {
	b, err := r.bundleNamed(ctx, name)
	if err != nil {
		return nil, err
	}
	pending, err := b.Pending(ctx, name)
	if err != nil {
		return nil, err
	}
	texts := make(chan map[string]string, 1)
	select {
	case r.requests <- func() {
		byPath := make(map[string]string)
		for _, t := range r.opts.Templates {
			byPath[t.Destination] = t.Text
		}
		texts <- byPath
	}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	byPath := <-texts
	for i := range pending {
		pending[i].Text = byPath[pending[i].Path]
	}
	return pending, nil
}

// Inspect returns what the sources say of themselves. It may be called from any
// goroutine.
func (r *Runner) Inspect() map[watch.Store]watch.Inspection { return r.watcher.Inspect() }

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
