// Package templates executes the templates of a runner: it decides which are to be
// executed, executes them side by side, and says what came of that.
//
// A [Set] belongs to one goroutine, the loop of the runner. [Set.Update] takes in
// an answer of a store and marks the templates that use it. [Set.Execute] begins
// to execute those that are marked, in goroutines of the Set. [Set.Changed]
// receives when executions have ended, and [Set.Take] returns what came of them:
// outputs, and which queries are used from now on.
//
// A template that lacks answers is not executed for each one that comes in, but
// when the last has come, or after a delay. One that fails is executed again after
// a growing delay. One that waits for answers for long is reported, with the place
// in its text where it asks for them.
package templates

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"restencil/runner/event"
	"restencil/template"
	"restencil/watch"
	"restencil/watch/schedule"
)

// Options say what a Set does. They are plain values.
type Options struct {
	Templates []Template

	// Host is what they are parsed for.
	Host template.Host

	// Retry spaces the executions of a template that fails.
	Retry schedule.Backoff

	// Once has no template executed any more that has been rendered.
	Once bool
}

// A Template is a template and what an error of it means.
type Template struct {
	template.Options

	// Destination is where the output goes, as events name it.
	Destination string

	// Fatal has Take return an error of an execution. Else it is told as an
	// event, and the template is executed again.
	Fatal bool

	// Lenient has the template left out if it cannot be parsed. Else that is an
	// error of New.
	Lenient bool
}

// A Set is the templates of a runner. Its methods are for one goroutine. Templates
// are known by their index in Options.Templates.
type Set struct {
	options Options
	events  func(event.Event)
	list    []*state
	graph   template.Graph[*state]
	answers sync.Map // the newest *watch.State of each query, by watch.ID; executions read it
	unknown watch.State
	pool    *pool
	passes  []*pass // that are under way
	changed schedule.Wakeup

	dirty      []*state                // to be executed
	retries    schedule.Timers[*state] // to be executed without another answer
	reports    schedule.Timers[*state] // to be reported as waiting
	unrendered int                     // how many have not been rendered

	replacing *pass      // executes the templates of Replace; nil: it has ended
	unused    []watch.ID // nobody uses them, unless replacing does
}

// A Done is what came of executions.
type Done struct {
	Results []Result // in the order of the templates

	// Added are queries that nobody used before. Dropped are those that nobody
	// uses any more.
	Added, Dropped []watch.ID
}

// A Result is what came of executing a template.
type Result struct {
	Template int

	// Output is nil where it is not complete, or the execution failed.
	Output *template.Result

	// SameData tells that there was no new data: an output that differs then is
	// one that differs each time.
	SameData bool

	// Recheck tells that the destination is to be compared though the output is
	// the same.
	Recheck bool

	// Told tells that people were told that the template waits, or failed.
	Told bool

	// Causes led to it, since the template was rendered.
	Causes Causes
}

// A state is a template with what is known of it.
type state struct {
	Template
	index  int                // among the templates
	parsed *template.Template // nil: it could not be parsed

	dirty    bool      // to be executed; it stands in Set.dirty
	running  bool      // it is being executed
	since    time.Time // when that began
	slowAt   time.Time // when it is to be reported that this takes long
	rendered bool      // its destination has been right at some time
	gone     bool      // Replace has taken it out of the Set
	reason             // for the next execution

	failure  failure
	waiting  waiting
	coalesce coalesce
}

// A reason is why a template is executed.
type reason struct {
	newData bool
	causes  Causes // new data, since it was rendered
	recheck bool   // its destination is to be compared though the output is the same
}

// Causes are the queries whose new answers led to an output. A Causes is not changed
// once others have it.
type Causes struct {
	First []watch.ID // at most maxCauses
	More  int        // how many others
}

// maxCauses is how many causes of an output are named.
const maxCauses = 3

// With returns c and those that came later.
func (c Causes) With(later Causes) Causes {
	all := Causes{slices.Clip(c.First), c.More + later.More}
	for _, id := range later.First {
		switch {
		case slices.Contains(all.First, id):
		case len(all.First) < maxCauses:
			all.First = append(all.First, id)
		default:
			all.More++
		}
	}
	return all
}

// A failure is why a template failed last.
type failure struct {
	err   error // nil: it did not
	row   int   // how often in a row
	retry time.Time
}

func (t *state) output() event.Output {
	return event.Output{Template: t.Name, Destination: t.Destination}
}

// An execution is one of a template. result and err are what came of it.
type execution struct {
	of      *state
	began   reason
	waiting *event.Waiting // only to find where its queries are asked; nil: to have an output

	took   time.Duration
	result template.Result
	err    error
}

// New parses the templates. The error names every one that cannot be used, a line
// each.
func New(o Options) (*Set, error) {
	s := &Set{options: o, changed: schedule.NewWakeup()}
	var errs []error
	for _, t := range o.Templates {
		parsed, err := template.Parse(t.Options, o.Host)
		if err != nil && !t.Lenient {
			errs = append(errs, err)
		}
		s.list = append(s.list, &state{Template: t, parsed: parsed, failure: failure{err: err}})
	}
	s.number()
	return s, errors.Join(errs...)
}

// number numbers the templates, and marks all.
func (s *Set) number() {
	s.dirty, s.unrendered = nil, 0
	for i, t := range s.list {
		t.index, t.dirty = i, false
		s.mark(t)
		if !t.rendered {
			s.unrendered++
		}
	}
}

// Start has executions end with ctx, and tells events, from now on.
func (s *Set) Start(ctx context.Context, events func(event.Event)) {
	s.events = events
	s.pool = newPool(ctx)
	s.emitLoaded()
}

// Join waits for all executions to end. The context of Start has ended.
func (s *Set) Join() { s.pool.running.Wait() }

func (s *Set) emitLoaded() {
	loaded := event.Loaded{Templates: make([]event.Output, len(s.list))}
	for i, t := range s.list {
		loaded.Templates[i] = t.output()
	}
	s.events(loaded)
	for _, t := range s.list {
		if t.parsed == nil {
			s.events(event.Failed{Template: t.Name, Destination: t.Destination, Err: t.failure.err})
		}
	}
}

// Replace has s go on with the templates of next, which was not started, and
// executes all. Those of s keep their state that are the same: same says so, of
// the index of one in s and that of one in next.
func (s *Set) Replace(next *Set, same func(i, j int) bool, now time.Time) {
	old := make(map[event.Output][]*state) // those that are not kept yet
	for _, t := range s.list {
		t.gone = true
		old[t.output()] = append(old[t.output()], t)
	}
	for j, t := range next.list {
		like := old[t.output()]
		if i := slices.IndexFunc(like, func(o *state) bool { return same(o.index, j) }); i >= 0 {
			next.list[j] = like[i]
			like[i].gone, like[i].recheck = false, true
			old[t.output()] = slices.Delete(like, i, i+1)
		}
	}
	for _, t := range s.list {
		if t.gone {
			_, dropped := s.graph.Use(t, nil)
			s.unused = append(s.unused, dropped...)
			s.retries.Remove(t)
			s.reports.Remove(t)
		}
	}
	s.options, s.list = next.options, next.list
	s.number()
	s.emitLoaded()
	s.replacing = s.begin(s.takeDirty(now), now)
}

// Replacing tells whether the templates of the last Replace are being executed for
// the first time. Until that has ended, it is not known which queries they use, and
// none is dropped.
func (s *Set) Replacing() bool { return s.replacing != nil }

// Update takes in the newest state of a query, and marks the templates that use
// it.
func (s *Set) Update(q watch.ID, state *watch.State, now time.Time) {
	old := s.state(q)
	s.answers.Store(q, state)
	for _, t := range s.graph.Users(q) {
		if !old.Known && old.Failure == nil {
			t.coalesce.answered()
		}
		if state.Version != old.Version {
			t.newData = true
			if old.Known {
				t.causes = t.causes.With(Causes{First: []watch.ID{q}})
			}
			t.coalesce.changed(now)
		}
		if t.coalesce.due() || gone(state) != gone(old) {
			s.mark(t)
		} else {
			s.plan(t)
		}
	}
}

// gone reports whether a query has an answer from which what it asks for has
// disappeared, which its store refuses since.
func gone(state *watch.State) bool {
	if !state.Known || state.Failure == nil {
		return false
	}
	e, ok := state.Failure.Err.(*watch.Error)
	return ok && e.Gone
}

func (s *Set) state(q watch.ID) *watch.State {
	if state, ok := s.answers.Load(q); ok {
		return state.(*watch.State)
	}
	return &s.unknown
}

// run notes that t is being executed from now on.
func (t *state) run(now time.Time) { t.running, t.since, t.slowAt = true, now, now.Add(slow) }

// mark has t executed.
func (s *Set) mark(t *state) {
	if !t.dirty {
		t.dirty = true
		s.dirty = append(s.dirty, t)
	}
}

// plan notes when t is to be executed again, and to be reported, by itself.
func (s *Set) plan(t *state) {
	s.retries.Set(t, schedule.Earliest(t.failure.retry, t.coalesce.until))
	if t.running {
		s.reports.Set(t, t.slowAt)
	} else {
		s.reports.Set(t, t.waiting.nextReport(t.rendered))
	}
}

// Next is when Execute or Take has something to do by itself, zero: not at all.
func (s *Set) Next() time.Time {
	at := schedule.Earliest(s.retries.Next(), s.reports.Next(), s.pool.stuckAt())
	for _, p := range s.passes {
		if !p.alone && p.deadline.After(time.Now()) {
			at = schedule.Earliest(at, p.deadline)
		}
	}
	return at
}

// Changed is a channel that receives when Take has something to give.
func (s *Set) Changed() <-chan struct{} { return s.changed }

// Idle tells whether nothing is being executed, nor about to be.
func (s *Set) Idle() bool { return len(s.dirty) == 0 && len(s.passes) == 0 }

// Execute begins to execute the templates that are marked, and to report those
// that have been waiting for long.
func (s *Set) Execute(now time.Time) {
	s.pool.addWorkers(now)
	if list := s.takeDirty(now); len(list) > 0 {
		s.begin(list, now)
	}
	s.report(now)
}

// takeDirty returns the executions that are to begin, in the order of the
// templates. A template that is being executed is so again after that.
func (s *Set) takeDirty(now time.Time) []*execution {
	for _, t := range s.retries.PopAll(now) {
		if !t.failure.retry.After(now) {
			t.failure.retry = time.Time{}
		}
		s.mark(t)
	}
	var list []*execution
	var later []*state
	for _, t := range s.dirty {
		if t.running {
			later = append(later, t)
			continue
		}
		t.dirty = false
		if t.parsed != nil && !(s.options.Once && t.rendered) {
			list = append(list, &execution{of: t, began: t.reason})
			t.reason = reason{}
			t.coalesce.begin()
			t.run(now)
			s.plan(t)
		}
	}
	s.dirty = later
	slices.SortFunc(list, func(a, b *execution) int { return a.of.index - b.of.index })
	return list
}

func (s *Set) begin(list []*execution, now time.Time) *pass {
	p := &pass{deadline: now.Add(grace), alone: len(list) == 1, left: len(list)}
	s.passes = append(s.passes, p)
	answer := func(q watch.ID) *watch.Answer {
		if state := s.state(q); state.Known {
			return &state.Answer
		}
		return nil
	}
	for _, x := range list {
		s.pool.run(func() {
			if x.waiting == nil {
				start := time.Now()
				x.result, x.err = x.of.parsed.Execute(s.pool.ctx, answer)
				x.took = time.Since(start)
			} else {
				for i := range x.waiting.For {
					m := &x.waiting.For[i]
					m.At, _ = x.of.parsed.Locate(s.pool.ctx, answer, m.Query.ID())
					m.At.Name = x.of.Name
				}
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ended = append(p.ended, x)
			p.left--
			if p.left == 0 || time.Now().After(p.deadline) {
				s.changed.Wake()
			}
		}, now)
	}
	return p
}

// Take returns what came of the executions that have ended. The error is one of a
// template whose errors are fatal.
func (s *Set) Take(now time.Time) (Done, error) {
	var ended []*execution
	s.passes = slices.DeleteFunc(s.passes, func(p *pass) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		over := p.left == 0
		if over || !now.Before(p.deadline) {
			ended, p.ended = append(ended, p.ended...), nil
		}
		if over && p == s.replacing {
			s.replacing = nil
		}
		return over
	})
	slices.SortFunc(ended, func(a, b *execution) int { return a.of.index - b.of.index })
	var done Done
	for _, x := range ended {
		x.of.running = false
		switch {
		case x.of.gone:
			continue
		case x.waiting != nil:
			s.events(*x.waiting)
		default:
			used := x.result.Used
			if x.err != nil {
				used = template.Keep(s.graph.Uses(x.of), used)
			}
			added, dropped := s.graph.Use(x.of, used)
			done.Added, s.unused = append(done.Added, added...), append(s.unused, dropped...)
			r, err := s.settle(x, now)
			if err != nil {
				return done, err
			}
			done.Results = append(done.Results, r)
		}
		s.plan(x.of)
	}
	if s.replacing == nil {
		done.Dropped = slices.DeleteFunc(s.unused, func(q watch.ID) bool { return len(s.graph.Users(q)) > 0 })
		s.unused = nil
		for _, q := range done.Dropped {
			s.answers.Delete(q)
		}
	}
	return done, nil
}

// settle notes what an execution means for its template. The error is fatal.
func (s *Set) settle(x *execution, now time.Time) (Result, error) {
	t := x.of
	complete, failed := x.result.Complete(), t.failure.err != nil
	r := Result{
		Template: t.index, Recheck: x.began.recheck, Told: failed || t.waiting.reports > 0,
		Causes: x.began.causes,
	}
	s.events(event.Executed{Template: t.Name, Destination: t.Destination, Took: x.took, Missing: len(x.result.Missing), Err: x.err})
	used, outstanding := s.graph.Uses(t), 0
	missing := slices.Concat(x.result.Missing, x.result.Gone)
	for i := 0; x.result.Secret && i < len(used); i++ {
		if gone(s.state(used[i])) {
			missing = append(missing, used[i])
		}
	}
	waited := t.waiting.reports > 0
	t.waiting.set(missing, now)
	if x.err != nil || !complete {
		for _, q := range used {
			if state := s.state(q); !state.Known && state.Failure == nil {
				outstanding++
			}
		}
	}
	t.coalesce.executed(outstanding, len(used), x.took)
	if t.coalesce.due() { // what it waited for has come while it was executed
		s.mark(t)
	}
	switch {
	case complete && x.err == nil:
		r.Output = &x.result
		// Plugins may have news of their own.
		r.SameData = !x.began.newData && t.rendered && !failed && !strings.Contains(t.Text, "plugin")
		if failed || waited && len(missing) == 0 {
			s.events(event.Recovered{Template: t.Name, Destination: t.Destination, Failures: t.failure.row})
		}
		t.failure = failure{}
		return r, nil
	case complete && t.Fatal:
		return r, x.err
	case complete:
		row := t.failure.row + 1
		wait := s.options.Retry.Delay(row)
		if !failed || t.failure.err.Error() != x.err.Error() {
			s.events(event.Failed{Template: t.Name, Destination: t.Destination, Err: x.err, Attempt: row, RetryIn: wait})
		}
		t.failure = failure{err: x.err, row: row, retry: now.Add(wait)}
	}
	// The next execution is for the same reasons.
	t.newData, t.recheck = t.newData || x.began.newData, t.recheck || x.began.recheck
	t.causes = x.began.causes.With(t.causes)
	return r, nil
}

// Queries returns the queries that are used. One may be there several times.
func (s *Set) Queries() []watch.ID {
	var all []watch.ID
	for _, t := range s.list {
		all = append(all, s.graph.Uses(t)...)
	}
	return all
}

// Placed notes that the destination of a template is right.
func (s *Set) Placed(i int) {
	if t := s.list[i]; !t.rendered {
		t.rendered = true
		s.unrendered--
	}
}

// Rendered tells whether the destinations of all templates have been right.
func (s *Set) Rendered() bool { return s.unrendered == 0 }

// Recheck has a template executed, and its destination compared though the output
// is the same.
func (s *Set) Recheck(i int) {
	s.list[i].recheck = true
	s.mark(s.list[i])
}

// Outstanding tells whether a template is about to have its first output: it
// waits for answers that are on their way.
func (s *Set) Outstanding(i int) bool {
	t := s.list[i]
	return !t.rendered && t.parsed != nil && t.failure.err == nil && t.coalesce.outstanding > 0
}
