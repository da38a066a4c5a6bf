package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"restencil/template"
	"restencil/watch"
	"restencil/watch/schedule"
)

// A Runner renders templates from the answers of a Watcher. Make one with New
// and call Run once.
type Runner struct {
	opts    Options
	watcher *watch.Watcher
	units   []*unit
	bundles []*bundle
	named   []*named

	early   []Event      // what New has to tell, once Run is under way
	reloads chan *Runner // what Reload has made ready

	// Owned by the loop in Run. Tests set run and spawn before it.
	ids     map[int]*unit // the units, by id
	lastID  int
	graph   template.Graph
	answers map[watch.ID]watch.State
	doomed  []watch.Query                // nobody uses them, unless the next execution does
	moving  map[watch.Store]watch.Source // to take others' places after the next execution
	stores  stores
	pulse   pulse
	exposed map[string]bool // destinations of which Exposed was told

	// What there is to do, so that no step need look at every unit for that.
	dirty      []*unit                  // to be executed
	settled    []*unit                  // executed in this step, and may have a file to write
	retries    schedule.Timers[*unit]   // to be executed without another answer
	reports    schedule.Timers[*unit]   // to be told that they wait
	waits      schedule.Timers[*bundle] // to have its changes written, when its debounce is due
	wanted     []*bundle                // whose command is to be run
	unrendered int                      // how many units have not been rendered
	stirred    []*named                 // for which there may be something to do
	alarms     schedule.Timers[*named]  // to be looked at by themselves

	attempts chan *attempt // that have ended; as many may come as are under way
	underWay int

	requests   chan func(context.Context, time.Time) // what others ask of the loop
	complained string                                // what was told of the journal last
	lookAt     time.Time                             // when the destinations are to be looked at, zero: never

	run     func(context.Context, Command) (output string, err error)
	pass    int                // how often files were written
	running *bundle            // whose command is being run, nil: none
	results chan commandResult // one at a time, from the goroutine that runs the command

	runningSince int // the first pass that wanted that run, 0: it is another attempt

	spawn func(args, env []string) (proc, error)
	child childState

	stopSources func()  // ends the watcher
	errs        []error // with Once: the commands that failed
}

// New checks o and parses the templates. The error names every template that
// cannot be used, a line each. The Runner takes over the Watcher: Run runs it.
func New(o Options, w *watch.Watcher) (*Runner, error) {
	o.Retry.Base = cmp.Or(o.Retry.Base, time.Second)
	o.Retry.Max = cmp.Or(o.Retry.Max, time.Minute)
	if o.Stdout == nil {
		o.Stdout = io.Discard
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	r := &Runner{
		opts:    o,
		watcher: w,
		answers: make(map[watch.ID]watch.State),
		exposed: make(map[string]bool),
		results: make(chan commandResult),
		reloads: make(chan *Runner),

		attempts: make(chan *attempt),
		requests: make(chan func(context.Context, time.Time)),
	}
	var errs []error
	for _, t := range keeping(o.Templates) {
		if err := r.add(t); err != nil {
			errs = append(errs, err)
		}
	}
	if c := o.Child; c != nil && (len(c.Args) == 0 || c.Args[0] == "") {
		errs = append(errs, errors.New("the child has no command"))
	}
	r.enlist()
	r.bundles = join(r.units, nil)
	var err error
	if r.named, err = recruit(o, r.units); err != nil {
		errs = append(errs, err)
	}
	return r, errors.Join(errs...)
}

func (r *Runner) add(t Template) error {
	if t.Destination == "" && !r.opts.Dry {
		return fmt.Errorf("template %s has no destination: give one (-template SRC:DEST), or use -dry to print it", t.Name)
	}
	if r.opts.Once {
		t.Wait = Wait{}
	}
	if t.Bundle != "" {
		t.Wait, t.Command = Wait{}, Command{}
	}
	u := &unit{spec: t, dirty: true}
	tmpl, err := template.Parse(t.Options, template.Host{
		LookupEnv: r.opts.LookupEnv,
		Serves:    r.watcher.Serves,
	})
	switch {
	case err == nil:
		u.tmpl = tmpl
	case t.OnError == ErrorTolerated:
		u.fail(err, time.Time{})
		u.dirty = false
		r.early = append(r.early, Failed{Template: t.Name, Destination: t.Destination, Err: err})
	default:
		return err
	}
	r.units = append(r.units, u)
	return nil
}

// Run renders until ctx ends, which is no error; or, with Once, until all is
// done. It returns an error that ends it: a template or query that may not
// fail (see Options), a [*ChildExit], and with Once any failure. When it
// returns, everything that it started has ended.
func (r *Runner) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	r.sweep()
	r.runSources(ctx)
	commands := newExecutor(r.opts.Stdout, r.opts.Stderr, r.opts.Once)
	if r.run == nil {
		r.run = commands.run
	}
	if r.spawn == nil {
		r.spawn = commands.spawn
	}
	defer func() {
		cancel()
		r.joinChild()
		if r.running != nil {
			<-r.results
		}
		for range r.underWay {
			<-r.attempts
		}
		commands.close()
		r.stopSources()
	}()
	return r.loop(ctx)
}

// runSources runs the watcher. r.stopSources ends it and waits for its end.
func (r *Runner) runSources(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { r.watcher.Run(ctx) })
	r.stopSources = func() {
		cancel()
		done.Wait()
	}
}

func (r *Runner) loop(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	r.loaded()
	for {
		if err := r.step(ctx, time.Now()); err != nil {
			return err
		}
		r.beat(time.Now())
		if err := r.givenUp(time.Now()); err != nil {
			return err
		}
		if r.opts.Once && r.finished() {
			if err := joinCommandErrors(r.errs); err != nil || r.opts.Child == nil {
				return err
			}
			r.stopSources() // nothing is needed while the child runs
		}
		timer.Stop()
		if at := r.next(time.Now()); !at.IsZero() {
			timer.Reset(time.Until(at))
		}
		select {
		case <-ctx.Done():
			return nil
		case next := <-r.reloads:
			r.replace(next)
		case <-r.watcher.Changed():
			if err := r.take(time.Now()); err != nil {
				return err
			}
		case res := <-r.results:
			if err := r.commandEnded(res, time.Now()); err != nil {
				return err
			}
		case a := <-r.attempts:
			if err := r.attemptEnded(a, time.Now()); err != nil {
				return err
			}
		case request := <-r.requests:
			request(ctx, time.Now())
		case <-r.childNews():
			r.tellOfChild()
		case <-r.childDone():
			if end, err := r.childEnded(ctx); end {
				return err
			}
		case <-timer.C:
		}
	}
}

// step does all that can be done now.
func (r *Runner) step(ctx context.Context, now time.Time) error {
	r.reconcile(now)
	if err := r.execute(ctx, now); err != nil {
		return err
	}
	if err := r.write(now); err != nil {
		return err
	}
	if err := r.advanceAll(ctx, now); err != nil {
		return err
	}
	r.report(ctx, now)
	r.startCommand(ctx, now)
	r.tend(ctx)
	return nil
}

// take brings in what is new from the watch plane and marks the templates
// that it touches.
func (r *Runner) take(now time.Time) error {
	for _, up := range r.watcher.Take() {
		q, id := up.Query, up.Query.ID()
		old := r.answers[id]
		r.answers[id] = up.State
		r.inform(q, old, up.State, now)
		for _, e := range r.stores.note(q, up.State.Failure, now) {
			r.tell(e)
		}
		if err := r.exhausted(q, up.State.Failure); err != nil {
			return err
		}
	}
	return nil
}

// exhausted returns the error that ends Run because a query failed too often.
func (r *Runner) exhausted(q watch.Query, f *watch.Failure) error {
	if f == nil {
		return nil
	}
	if r.opts.Once && (watch.Classify(f.Err) == watch.Invalid || q.Store() == watch.Files) {
		return f.Err // asking again would not help; for a file, as in consul-template (COMPAT 3.7)
	}
	most := r.opts.Attempts[q.Store()]
	if most == 0 || f.Attempts <= most {
		return nil
	}
	return fmt.Errorf("%w (gave up after %d attempts)", f.Err, f.Attempts)
}

// finished tells whether every template has been rendered and every command
// been run. One that waits for another attempt has been run; with Once there
// are no such.
func (r *Runner) finished() bool {
	due := func(b *bundle) bool { return b.failures == 0 }
	return r.running == nil && r.unrendered == 0 && r.idle() && !slices.ContainsFunc(r.wanted, due)
}

// next is when step has something to do by itself, zero: not at all.
func (r *Runner) next(now time.Time) time.Time {
	at := earliest(earliest(r.pulse.next, r.lookAt), r.giveUpAt())
	for _, due := range []time.Time{r.retries.Next(), r.reports.Next(), r.waits.Next(), r.alarms.Next()} {
		at = earliest(at, due)
	}
	if r.running == nil {
		for _, b := range r.wanted {
			at = earliest(at, b.runnableAt(now))
		}
	}
	return at
}

// tell passes an event on; nil is none.
func (r *Runner) tell(e Event) {
	if e != nil {
		r.opts.Events(e)
	}
}
