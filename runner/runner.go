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
	"restencil/runner/layout"
	"restencil/runner/outage"
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

	requests chan func() // to be called by the loop

	// Owned by the loop in Run.
	templates *templates.Set
	expansion expansion
	bundles   bundles
	child     child
	stores    *outage.Stores
	refused   map[string]string // by destination: why an output that is no file is not used, as reported
	ready     bool              // Ready was emitted
	times
	replacements map[watch.Store]watch.Source // for sources, when the new templates have been executed

	stopSources func()    // ends the watcher
	failures    []failure // with Once: the commands that failed
}

// Times are when the loop is to wake up by itself. Zero: it is not set.
type times struct {
	nextPlan  time.Time // when Options.Plan is to be called
	nextAlive time.Time // when Alive is to be emitted
	deadline  time.Time // with Once: when all is to be done
}

// New checks o and parses the templates. The error has a line for each template that
// cannot be used. Run runs the Watcher.
func New(o Options, w *watch.Watcher) (*Runner, error) { return withElements(o, nil, w, nil) }

// newRunner is New, with elements among the templates.
func newRunner(o Options, x expansion, w *watch.Watcher, old []parsedTemplate) (*Runner, error) {
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if o.Plan != nil {
		o.Dry = false
	}
	if o.Once || o.Dry || o.Plan != nil {
		o.State.Journal = nil
	}
	r := &Runner{
		opts:     o,
		watcher:  w,
		events:   &events{to: o.Events},
		requests: make(chan func()),
		refused:  make(map[string]string),
	}
	r.expansion, r.expansion.prepared = x, make(chan prepared)
	r.stores = outage.New(r.events.emit)
	r.stores.Local = o.Local
	var errs []error
	if c := o.Child; c != nil && (len(c.Args) == 0 || c.Args[0] == "") {
		errs = append(errs, errors.New("the child has no command"))
	}
	set := templates.Options{
		Host:  template.Host{LookupEnv: o.LookupEnv, Serves: w.Serves, Clusters: w.Clusters, Warn: o.Warn},
		Retry: retry,
		Once:  o.Once && o.Plan == nil,
	}
	r.opts.Templates = layout.WithCertFiles(o.Templates)
	for i := range r.opts.Templates {
		t := &r.opts.Templates[i]
		if t.Variable != "" {
			t.Destination = "$" + t.Variable // how it is named
		}
		if t.Destination == "" && !o.Dry {
			errs = append(errs, fmt.Errorf("template %s has no destination: give one (-template SRC:DEST), or use -dry to print it", t.Name))
		}
		options := t.Options
		if t.ForEach != "" {
			errs = append(errs, layout.CheckList(*t, set.Host))
			if slices.ContainsFunc(r.opts.Templates[:i], func(o Template) bool { return o.ForEach != "" && o.Destination == t.Destination }) {
				errs = append(errs, fmt.Errorf("two templates with for_each have the destination %s: give each its own", t.Destination))
			}
			t.Name = "for_each of " + t.Name // in events
			options.Name, options.Text = t.Name, t.Destination
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
			Options:     options,
			Destination: t.Destination,
			Fatal:       t.Fatal,
			Lenient:     t.OnError == ErrorTolerated,
		})
	}
	set.Parsed = parsedIn(old, r.opts.Templates)
	var err error
	r.templates, err = templates.New(set)
	errs = append(errs, err)
	planned, err := layout.Bundles(layout.Options{
		Templates: r.opts.Templates, Listed: x.listed, Named: o.Bundles,
		Retry: retry, Once: o.Once, Dry: o.Dry, ExitOnFailure: o.ExitOnFailure,
	})
	for _, b := range planned {
		r.bundles.list = append(r.bundles.list, &bundleState{spec: b.Spec, templates: b.Templates})
	}
	return r, errors.Join(append(errs, err)...)
}

// Run renders until ctx ends, which is no error; or, with Once, until all is done. It
// returns the error of a template or query that may not fail (see Options), a
// [*process.ChildExit], and with Once any failure. When it returns, everything that it
// has started has ended.
func (r *Runner) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	executor := process.NewExecutor(r.opts.Stdout, r.opts.Stderr, r.opts.Once)
	executor.Line = r.opts.CommandOutput
	system := r.opts.System
	if system == nil {
		system = executor
	}
	r.templates.Start(ctx, r.events.emit)
	r.bundles.start(ctx, r.opts, r.expansion.listed, r.events.emit, system)
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

// loop handles what arrives, until there is an error or ctx ends.
func (r *Runner) loop(ctx context.Context) error {
	if r.opts.Once && r.opts.Limits.OnceTimeout > 0 {
		r.deadline = time.Now().Add(r.opts.Limits.OnceTimeout)
	}
	for {
		if end, err := r.step(ctx, time.Now()); end {
			return err
		}
		giveUp, _ := r.stores.GiveUp(r.opts.Limits.StoreDown)
		var err error
		var childEnded <-chan struct{}
		if s := r.child.now.Load(); s != nil {
			childEnded = s.Done()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.watcher.Changed():
			err = r.handleUpdates(time.Now())
		case <-r.templates.Changed():
		case p := <-r.expansion.prepared:
			err = r.grow(p)
		case report := <-r.bundles.reports:
			err = r.handleReport(report)
		case request := <-r.requests:
			request()
		case <-childEnded:
			s := r.child.now.Swap(nil)
			if ctx.Err() != nil {
				return nil // which has ended the child, too
			}
			if s.Replaced() {
				continue
			}
			if err := s.Err(); err == nil || r.opts.ConsulTemplate {
				return err
			}
			return process.Brief(s.Err(), nil)
		case <-schedule.At(r.nextAlive, r.nextPlan, r.deadline, giveUp, r.stores.Next(), r.templates.Next()):
		}
		if err != nil {
			return err
		}
	}
}

// step does all that can be done now. It reports whether Run ends.
func (r *Runner) step(ctx context.Context, now time.Time) (end bool, err error) {
	batch, err := r.templates.Take(now)
	if err != nil {
		return true, err
	}
	r.watch(batch, now)
	if len(batch.Results) > 0 {
		if err := r.offer(batch.Results); err != nil {
			return true, err
		}
	}
	r.prepare(ctx)
	r.templates.Execute(now)
	r.stores.Report(now)
	if r.opts.Plan == nil {
		if err := r.updateChild(ctx); err != nil {
			return true, err
		}
	}
	if !r.ready && r.opts.Plan == nil && r.finished() {
		r.ready = true
		r.events.emit(event.Ready{})
	}
	if every := r.opts.Heartbeat; every > 0 && !now.Before(r.nextAlive) {
		r.nextAlive = now.Add(every)
		r.events.emit(event.Alive{})
	}
	if at, err := r.stores.GiveUp(r.opts.Limits.StoreDown); err != nil && !now.Before(at) {
		return true, err
	}
	if r.opts.Plan != nil && !now.Before(r.nextPlan) && (!r.opts.Once || !r.nextPlan.IsZero() || r.finished()) {
		again, err := r.plan(ctx)
		if again == 0 {
			return true, err
		}
		r.nextPlan, r.deadline = now.Add(again), time.Time{}
	}
	if r.opts.Once && r.opts.Plan == nil && r.finished() {
		if err := joinFailures(r.failures); err != nil || r.opts.Child == nil {
			return true, err
		}
		r.stopSources() // nothing is needed while the child runs
		r.deadline = time.Time{}
	}
	if !r.deadline.IsZero() && !now.Before(r.deadline) {
		missing := r.templates.Missing(r.opts.Local != "")
		if len(missing) == 0 {
			missing = []string{"a command is still running, or a bundle waits for its turn"}
		}
		return true, fmt.Errorf("not done within %v (once_timeout): %s", r.opts.Limits.OnceTimeout, strings.Join(missing, "\n"))
	}
	return false, nil
}

// watch has the queries watched that templates use. Sources are replaced when all new
// templates have been executed; until then the old ones get no new query.
func (r *Runner) watch(batch templates.Batch, now time.Time) {
	if len(batch.Added)+len(batch.Dropped) > 0 {
		r.events.emit(event.Watched{Added: batch.Added, Dropped: batch.Dropped})
	}
	if len(batch.Dropped) > 0 {
		r.watcher.Unwatch(batch.Dropped...)
		for _, q := range batch.Dropped {
			r.stores.Forget(q, now)
		}
	}
	added := batch.Added
	switch {
	case r.replacements == nil:
	case r.templates.Replacing():
		added = slices.DeleteFunc(added, func(q watch.ID) bool { _, replaced := r.replacements[q.Value().Store()]; return replaced })
	default:
		r.watcher.Replace(r.replacements)
		r.replacements = nil
		added = r.templates.Queries() // with those that the old sources did not get
	}
	if len(added) > 0 {
		r.watcher.Watch(added...)
	}
}

// handleUpdates takes the newest answers and failures from the watch plane, starts to
// execute the templates that use them, and updates the state of the stores. The error
// is that of a query that has failed too often.
func (r *Runner) handleUpdates(now time.Time) error {
	updates := r.watcher.Take()
	r.templates.Update(updates, now)
	r.templates.Execute(now) // what follows is done meanwhile
	e := event.Updated{Updates: make([]event.Update, len(updates))}
	for i, up := range updates {
		a := &up.State.Answer
		e.Updates[i] = event.Update{
			Query: up.ID, Version: up.State.Version, Index: a.Index, Failure: up.State.Failure,
			Time: a.Time, Size: a.Size(), Ends: a.Ends(),
		}
	}
	r.events.emit(e)
	for _, up := range updates {
		q, f := up.ID.Value(), up.State.Failure
		r.stores.Update(up.ID, f, now)
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

// finished reports whether every template has been rendered and every command run, be
// it without success.
func (r *Runner) finished() bool {
	return r.templates.Rendered() && !r.expansion.preparing && r.templates.Idle() && r.bundles.settled(r.bundles.pass)
}

// handleReport handles the report of a bundle, which may have been replaced.
func (r *Runner) handleReport(report bundle.Report) error {
	pass, order := r.bundles.pass, 0
	b, x := r.bundles.byBundle[report.Bundle], &r.expansion
	if b != nil {
		pass, order = b.offered, b.templates[0]
		b.settled = max(b.settled, report.Pass)
		for _, i := range report.Placed {
			r.templates.Placed(b.templates[i])
		}
		for _, i := range report.Drifted {
			r.templates.Recheck(b.templates[i])
		}
	}
	if at := slices.IndexFunc(r.bundles.ending, func(s *bundleState) bool { return s.Bundle == report.Bundle }); at >= 0 {
		x.late.Add(r.bundles.ending[at].spec, report.Placed)
	} else if b != nil && x.preparing {
		x.late.Add(b.spec, report.Placed)
	}
	if x.relist(r.opts.Templates); x.changed {
		if err := r.offer(nil); err != nil { // their bundles wait
			return err
		}
	}
	if c := &r.child; c.now.Load() != nil && len(report.Changed) > 0 {
		c.files.Add(report.Changed...)
		c.reload = cmp.Or(c.reload, pass)
		c.last = max(c.last, pass)
	}
	if report.Command != nil {
		r.failures = append(r.failures, failure{order, report.Command})
	}
	return report.Fatal
}

// events passes events on, one at a time.
type events struct {
	mu sync.Mutex
	to func(event.Event) // may be nil
}

func (e *events) emit(ev event.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.to != nil {
		e.to(ev)
	}
}

// A failure is that of a command. Reports arrive in any order.
type failure struct {
	order int // of the first template of its bundle
	err   error
}

// joinFailures returns the errors of a run with Once as one, nil for none.
func joinFailures(failures []failure) error {
	slices.SortStableFunc(failures, func(a, b failure) int { return a.order - b.order })
	switch len(failures) {
	case 0:
		return nil
	case 1:
		return failures[0].err
	}
	text := fmt.Sprintf("%d errors occurred:", len(failures))
	for _, f := range failures {
		text += "\n\t* " + f.err.Error()
	}
	return errors.New(text)
}

// Reload has Run go on with other Options. After an error, Run goes on as before.
// Templates that did not change keep their data and timers, and their commands do not
// run again. Destinations that were changed by hand are put right.
//
// Each of sources replaces the source of its store (see watch.Watcher.Replace) when
// the queries of the new Options are known. It gets only those, and the old source
// gets no new ones. A store that had no source gets it at once, and one whose source is
// nil has none from then on. The sources of other stores go on.
//
// Reload may be called from any goroutine during Run. It returns when the new Options
// are in force, or with the cause of ctx's end.
func (r *Runner) Reload(ctx context.Context, o Options, sources map[watch.Store]watch.Source) error {
	next, err := New(o, r.watcher)
	var kept map[int][]Template
	for tries, done := 0, false; err == nil && !done; tries++ {
		if len(kept) > 0 {
			// With an error, the lists that are executed now report it.
			if grown, err := withElements(o, kept, r.watcher, nil); err == nil {
				next = grown
			}
		}
		next.replacements = maps.Clone(sources)
		err = r.request(ctx, func() {
			before := kept
			kept = r.expansion.Kept(r.expansion.config.Templates, o.Templates)
			same := maps.EqualFunc(before, kept, func(a, b []Template) bool { return reflect.DeepEqual(a, b) })
			if done = same || tries == 5; done { // else there are other elements by now
				r.replace(next)
			}
		})
	}
	return err
}

// replace has r go on with the options of next, a Runner that never ran.
func (r *Runner) replace(next *Runner) {
	old := r.opts.Templates
	r.opts, r.stores.Local = next.opts, next.opts.Local
	x := &r.expansion
	prepared, preparing, generation, reported := x.prepared, x.preparing, x.generation, x.reported
	*x = next.expansion
	x.prepared, x.preparing, x.generation, x.reported = prepared, preparing, generation+1, reported
	r.events.mu.Lock()
	r.events.to = next.opts.Events
	r.events.mu.Unlock()
	added := maps.Clone(next.replacements)
	maps.DeleteFunc(added, func(store watch.Store, source watch.Source) bool { return source == nil || r.watcher.Serves(store) })
	r.watcher.Replace(added) // the new templates can ask them
	maps.DeleteFunc(next.replacements, func(store watch.Store, _ watch.Source) bool { return added[store] != nil })
	r.templates.Replace(next.templates, func(i, j int) bool { return reflect.DeepEqual(old[i], r.opts.Templates[j]) }, true, time.Now())
	r.bundles.replace(next.bundles.list, r.opts, x.listed)
	if r.replacements == nil {
		r.replacements = next.replacements
	} else {
		maps.Copy(r.replacements, next.replacements)
	}
}

// Accept has the change of a bundle made that is held (see [bundle.Bundle.Accept]):
// that of a named bundle, or of a file with a guard or check of its own, or of a list
// that may lack elements, by its destination. It may be called from any goroutine during Run.
func (r *Runner) Accept(ctx context.Context, name string) error {
	accepted := false
	if err := r.request(ctx, func() { accepted = r.expansion.accept(name) }); accepted || err != nil {
		return err
	}
	return r.withBundle(ctx, name, func(b *bundle.Bundle, _ []Template) error { return b.Accept(ctx, name) })
}

// Diff returns the files of a bundle that are not what they are to be, each with
// its change: one that waits, is held, has failed or is about to be made. It may be
// called from any goroutine during Run.
func (r *Runner) Diff(ctx context.Context, name string) ([]diff.File, error) {
	var pending []diff.File
	err := r.withBundle(ctx, name, func(b *bundle.Bundle, templates []Template) (err error) {
		texts := make(map[string]string)
		for _, t := range templates {
			texts[t.Destination] = t.Text
		}
		pending, err = b.Pending(ctx, name)
		for i := range pending {
			pending[i].Text = texts[pending[i].Path]
		}
		return err
	})
	return pending, err
}

// Inspect returns what the sources say of themselves. It may be called from any
// goroutine.
func (r *Runner) Inspect() map[watch.Store]watch.Inspection { return r.watcher.Inspect() }

// Rollback puts a generation of a named bundle's files back (see
// [bundle.Bundle.Rollback]). It may be called from any goroutine during Run.
func (r *Runner) Rollback(ctx context.Context, name string, generation int) (number int, err error) {
	err = r.withBundle(ctx, name, func(b *bundle.Bundle, _ []Template) (err error) {
		number, err = b.Rollback(ctx, generation)
		return err
	})
	return number, err
}

// withBundle calls do with a bundle of the loop and the templates.
func (r *Runner) withBundle(ctx context.Context, name string, do func(*bundle.Bundle, []Template) error) error {
	var b *bundle.Bundle
	var templates []Template
	if err := r.request(ctx, func() { b, templates = r.bundles.named(name), r.opts.Templates }); err != nil {
		return err
	}
	if b == nil {
		return fmt.Errorf("there is no bundle or file %q (variables and lists of for_each are none)", name)
	}
	return do(b, templates)
}

// request has the loop call do, and waits for that.
func (r *Runner) request(ctx context.Context, do func()) error {
	done := make(chan struct{})
	select {
	case r.requests <- func() { do(); close(done) }:
		<-done
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
