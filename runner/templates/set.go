package templates

import (
	"cmp"
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

// Options are what a Set is made of.
type Options struct {
	Templates []Template
	Host      template.Host    // what they are parsed for
	Retry     schedule.Backoff // delays the next execution of a template that fails
	Once      bool             // a template that has been rendered is not executed again

	// Parsed returns a template of another Set that Replace is going to keep, by its index
	// in Templates: it need not be parsed. Nil, or nil: there is none.
	Parsed func(i int) *template.Template
}

// A Template is a template and what an error of it means.
type Template struct {
	template.Options

	// Destination is where the output goes, as events name it.
	Destination string

	// Fatal has Take return an error of an execution. Otherwise that is an event,
	// and the template is executed again.
	Fatal bool

	// Lenient leaves a template out that cannot be parsed. Otherwise that is an
	// error of New.
	Lenient bool
}

// A Set is the templates of a runner. Only one goroutine may use it. Templates are
// known by their index in Options.Templates.
type Set struct {
	options Options
	ctx     context.Context // ends executions
	events  func(event.Event)
	list    []*state
	graph   template.Graph[*state]
	mu      sync.RWMutex
	answers map[watch.ID]*watch.State // the newest of each query; mu guards it, for executions read it
	unknown watch.State
	pool    *pool
	passes  []*pass // that are under way
	changed schedule.Wakeup

	dirty   []*state                // to be executed
	retries schedule.Timers[*state] // to be executed without another answer
	reports schedule.Timers[*state] // to be reported as waiting

	replacement
}

// A replacement is the templates of Replace while they are executed.
type replacement struct {
	replacing []*pass    // execute them, and have not ended
	unused    []watch.ID // no template uses them, unless those of replacing do
}

// A Batch is the results of executions, and what they change in the queries that
// are used.
type Batch struct {
	Results        []Result // in the order of the templates
	Added, Dropped []watch.ID
}

// A Result is the result of executing a template.
type Result struct {
	Template int
	Output   *template.Result // nil: it is not complete, or the execution failed
	SameData bool             // there was no new data: an output that differs now differs each time
	Recheck  bool             // the destination is to be compared though the output is the same
	Unplaced bool             // Placed was not called
	Causes   Causes           // since the template was rendered
}

// A state is a template and its state.
type state struct {
	Template
	index  int                // among the templates
	parsed *template.Template // nil: it could not be parsed

	dirty    bool      // to be executed; it stands in Set.dirty
	running  bool      // it is being executed
	since    time.Time // when that began
	slowAt   time.Time // when it is to be reported that this takes long
	rendered bool      // its destination has been right at some time
	removed  bool      // by Replace
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

// Causes are the queries whose new answers led to an output. A Causes is immutable.
type Causes struct {
	First []watch.ID // at most maxCauses
	More  int        // how many others
}

// maxCauses is how many causes of an output are named.
const maxCauses = 3

// With returns c and the later ones.
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

// A failure is that of the last execution of a template.
type failure struct {
	err      error // nil: it succeeded
	attempts int   // how many have failed in a row
	retry    time.Time
}

func (t *state) output() event.Output {
	return event.Output{Template: t.Name, Destination: t.Destination}
}

// An execution is one of a template.
type execution struct {
	pass     *pass
	template *state
	reason   reason
	waiting  *event.Waiting // to be completed with positions; nil: the execution is for an output

	took   time.Duration
	result template.Result
	err    error
}

// grace is how long the outputs of a pass wait for its slowest template. After
// that the others go on, and so do other passes beside it.
const grace = 100 * time.Millisecond

// A pass is executions that start together: the queries that they use are watched,
// and their outputs are offered, at the same time.
type pass struct {
	deadline time.Time         // when those that have ended do not wait for the others any more
	single   bool              // there is one, which waits for no other
	updated  map[watch.ID]bool // queries that have had other answers since it began

	mu    sync.Mutex
	left  int          // how many are under way
	ended []*execution // that have not been taken
}

// New parses the templates. The error has a line for each that cannot be used.
func New(o Options) (*Set, error) {
	s := &Set{options: o, answers: make(map[watch.ID]*watch.State), changed: schedule.NewWakeup()}
	var errs []error
	for i, t := range o.Templates {
		var parsed *template.Template
		var err error
		if o.Parsed != nil {
			parsed = o.Parsed(i)
		}
		if parsed == nil {
			parsed, err = template.Parse(t.Options, o.Host)
		}
		if err != nil && !t.Lenient {
			errs = append(errs, err)
		}
		s.list = append(s.list, &state{Template: t, parsed: parsed, failure: failure{err: err}, reason: reason{newData: true}})
	}
	return s, errors.Join(errs...)
}

// Start marks all templates. From now on events are emitted. Executions end with
// ctx; the caller then calls Join.
func (s *Set) Start(ctx context.Context, events func(event.Event)) {
	s.ctx, s.events, s.pool = ctx, events, newPool()
	s.load(true)
}

// Join waits for all executions to end.
func (s *Set) Join() { s.pool.close() }

// load sets the indexes of the templates, marks those that are new, or all, and emits
// which there are.
func (s *Set) load(all bool) {
	loaded := event.Loaded{Templates: make([]event.Output, len(s.list))}
	var fresh []*state
	for i, t := range s.list {
		if all || t.index < 0 {
			fresh = append(fresh, t)
		}
		t.index, loaded.Templates[i] = i, t.output()
	}
	s.dirty = slices.DeleteFunc(s.dirty, func(t *state) bool { return t.removed })
	s.events(loaded)
	for _, t := range fresh {
		s.mark(t)
		if t.parsed == nil {
			s.events(event.Failed{Template: t.Name, Destination: t.Destination, Err: t.failure.err})
		}
	}
}

// Replace has s go on with the templates of next, which was not started, and executes
// all, or those that are new. Templates that are the same keep their state: same compares
// the one at i in s with the one at j in next.
func (s *Set) Replace(next *Set, same func(i, j int) bool, all bool, now time.Time) {
	old := make(map[event.Output][]*state) // those that are not kept yet
	for _, t := range s.list {
		t.removed = true
		old[t.output()] = append(old[t.output()], t)
	}
	for j, t := range next.list {
		t.index = -1
		like := old[t.output()]
		if i := slices.IndexFunc(like, func(o *state) bool { return same(o.index, j) }); i >= 0 {
			next.list[j] = like[i]
			like[i].removed, like[i].recheck = false, like[i].recheck || all
			old[t.output()] = slices.Delete(like, i, i+1)
		}
	}
	for _, t := range s.list {
		if t.removed {
			_, dropped := s.graph.Use(t, nil)
			s.unused = append(s.unused, dropped...)
			s.retries.Remove(t)
			s.reports.Remove(t)
		}
	}
	s.options, s.list, s.options.Parsed = next.options, next.list, nil
	s.load(all)
	s.replacing = append(s.replacing, s.begin(s.takeDirty(now), now))
}

// State returns a template in its parsed form, for Options.Parsed, whether its
// destination has been right, and whether it is about to be executed for the first time,
// or is being.
func (s *Set) State(i int) (parsed *template.Template, placed, first bool) {
	t := s.list[i]
	return t.parsed, t.rendered, (t.dirty || t.running) && t.coalesce.delay == 0
}

// Replacing reports whether templates of Replace are being executed for the first time.
// Until that has ended, it is not known which queries they use, and none is dropped.
func (s *Set) Replacing() bool { return len(s.replacing) > 0 }

// Update marks the templates that use queries, whose states are new.
func (s *Set) Update(updates []watch.Update, now time.Time) {
	before := make([]*watch.State, len(updates))
	s.mu.Lock()
	for i, up := range updates {
		before[i] = cmp.Or(s.answers[up.ID], &s.unknown)
		s.answers[up.ID] = up.State
	}
	s.mu.Unlock()
	touched := make(map[*state]bool)
	for i, up := range updates {
		old, completed := before[i], up.State.Answer.Partial != before[i].Answer.Partial
		changed := up.State.Version != old.Version
		if changed || completed {
			for _, p := range s.passes {
				p.updated[up.ID] = true
			}
		}
		for _, t := range s.graph.Users(up.ID) {
			touched[t] = true
			if !old.Known && old.Failure == nil {
				t.coalesce.answered()
			}
			if changed {
				t.newData = true
				if old.Known {
					t.causes = t.causes.With(Causes{First: []watch.ID{up.ID}})
				}
				t.coalesce.changed(now)
			}
			if t.ForEach != "" && completed || gone(up.State) != gone(old) {
				s.mark(t)
			}
		}
	}
	for t := range touched {
		if t.coalesce.due() {
			s.mark(t)
		}
		s.setTimers(t)
	}
}

// gone reports whether what a query asks for had an answer and has disappeared.
func gone(state *watch.State) bool {
	if !state.Known || state.Failure == nil {
		return false
	}
	e, ok := state.Failure.Err.(*watch.Error)
	return ok && e.Gone
}

func (s *Set) state(q watch.ID) *watch.State {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return cmp.Or(s.answers[q], &s.unknown)
}

// mark has t executed.
func (s *Set) mark(t *state) {
	if !t.dirty {
		t.dirty = true
		s.dirty = append(s.dirty, t)
	}
}

// setTimers sets when t is to be executed again, and to be reported, by itself.
func (s *Set) setTimers(t *state) {
	s.retries.Set(t, schedule.Earliest(t.failure.retry, t.coalesce.until))
	if t.running {
		s.reports.Set(t, t.slowAt)
	} else {
		s.reports.Set(t, t.waiting.nextReport(t.rendered))
	}
}

// Next is when Execute or Take has something to do by itself, zero: not at all.
func (s *Set) Next() time.Time {
	at := schedule.Earliest(s.retries.Next(), s.reports.Next())
	for _, p := range s.passes {
		p.mu.Lock()
		if !p.single && (len(p.ended) > 0 || p.deadline.After(time.Now())) { // what ends later wakes the loop
			at = schedule.Earliest(at, p.deadline)
		}
		p.mu.Unlock()
	}
	return at
}

// Changed receives when Take has something to return.
func (s *Set) Changed() <-chan struct{} { return s.changed }

// Idle reports whether no template is being executed, nor about to be.
func (s *Set) Idle() bool { return len(s.dirty) == 0 && len(s.passes) == 0 }

// Execute starts to execute the templates that are marked, and to report those
// that have been waiting for long.
func (s *Set) Execute(now time.Time) {
	if list := s.takeDirty(now); len(list) > 0 {
		s.begin(list, now)
	}
	s.report(now)
}

// takeDirty returns the executions that are to start, in the order of the
// templates. A template that is being executed stays marked.
func (s *Set) takeDirty(now time.Time) []*execution {
	for _, t := range s.retries.PopAll(now) {
		if !t.failure.retry.After(now) {
			t.failure.retry = time.Time{}
		}
		s.mark(t)
	}
	list := make([]*execution, 0, len(s.dirty))
	var later []*state
	for _, t := range s.dirty {
		if t.running {
			later = append(later, t)
			continue
		}
		t.dirty = false
		if t.parsed != nil && !(s.options.Once && t.rendered) {
			list = append(list, &execution{template: t, reason: t.reason})
			t.reason = reason{}
			t.coalesce.until = time.Time{} // what changes from now on is new for the next execution
		}
	}
	s.dirty = later
	slices.SortFunc(list, func(a, b *execution) int { return a.template.index - b.template.index })
	return list
}

// begin starts a pass of executions.
func (s *Set) begin(list []*execution, now time.Time) *pass {
	p := &pass{deadline: now.Add(grace), single: len(list) == 1, updated: make(map[watch.ID]bool), left: len(list)}
	s.passes = append(s.passes, p)
	answer := func(q watch.ID) *watch.Answer {
		if state := s.state(q); state.Known {
			return &state.Answer
		}
		return nil
	}
	for _, x := range list {
		t := x.template
		x.pass = p
		t.running, t.since, t.slowAt = true, now, now.Add(slow)
		s.setTimers(t)
		s.pool.run(func() {
			if x.waiting == nil {
				start := time.Now()
				x.result, x.err = t.parsed.Execute(s.ctx, answer)
				x.took = time.Since(start)
			} else {
				for i := range x.waiting.For {
					m := &x.waiting.For[i]
					m.At, _ = t.parsed.Locate(s.ctx, answer, m.Query.ID())
					m.At.Name = t.Name
				}
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ended = append(p.ended, x)
			p.left--
			if p.left == 0 || !time.Now().Before(p.deadline) {
				s.changed.Wake()
			}
		})
	}
	return p
}

// Take returns the results of the executions that have ended. The error is that of
// a template whose errors are fatal.
func (s *Set) Take(now time.Time) (Batch, error) {
	var ended []*execution
	s.passes = slices.DeleteFunc(s.passes, func(p *pass) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		over := p.left == 0
		if over || !now.Before(p.deadline) {
			ended, p.ended = append(ended, p.ended...), nil
		}
		if over {
			s.replacing = slices.DeleteFunc(s.replacing, func(r *pass) bool { return r == p })
		}
		return over
	})
	slices.SortFunc(ended, func(a, b *execution) int { return a.template.index - b.template.index })
	var batch Batch
	for _, x := range ended {
		t := x.template
		t.running = false
		switch {
		case t.removed:
			continue
		case x.waiting != nil:
			s.events(*x.waiting)
		default:
			used := x.result.Used
			if x.err != nil {
				used = template.Keep(s.graph.Uses(t), used)
			}
			added, dropped := s.graph.Use(t, used)
			batch.Added, s.unused = append(batch.Added, added...), append(s.unused, dropped...)
			r, err := s.finish(x, now)
			if err != nil {
				return batch, err
			}
			batch.Results = append(batch.Results, r)
		}
		s.setTimers(t)
	}
	if len(s.unused) > 0 && len(batch.Added) > 0 { // what is used again has been watched all the time
		watched := make(map[watch.ID]bool, len(s.unused))
		for _, q := range s.unused {
			watched[q] = true
		}
		batch.Added = slices.DeleteFunc(batch.Added, func(q watch.ID) bool { return watched[q] })
	}
	if len(s.answers) == 0 {
		s.mu.Lock()
		s.answers = make(map[watch.ID]*watch.State, len(batch.Added))
		s.mu.Unlock()
	}
	if !s.Replacing() {
		batch.Dropped = slices.DeleteFunc(s.unused, func(q watch.ID) bool { return len(s.graph.Users(q)) > 0 })
		s.unused = nil
		s.mu.Lock()
		for _, q := range batch.Dropped {
			delete(s.answers, q)
		}
		s.mu.Unlock()
	}
	return batch, nil
}

// finish updates the state of a template that was executed, and returns the
// result. The error is fatal.
func (s *Set) finish(x *execution, now time.Time) (Result, error) {
	t := x.template
	complete, failed, waited := x.result.Complete(), t.failure.err != nil, t.waiting.reports > 0
	r := Result{Template: t.index, Recheck: x.reason.recheck, Unplaced: !t.rendered, Causes: x.reason.causes}
	used, outstanding := s.graph.Uses(t), 0
	missing := slices.Concat(x.result.Missing, x.result.Gone)
	for _, q := range used {
		state := cmp.Or(s.answers[q], &s.unknown) // only this goroutine writes answers
		if x.result.Secret && gone(state) {
			missing = append(missing, q)
		}
		if (x.err != nil || !complete) && !state.Known && state.Failure == nil {
			outstanding++
		}
	}
	t.waiting.set(missing, now)
	s.events(event.Executed{Template: t.Name, Destination: t.Destination, Took: x.took,
		Used: used, Missing: x.result.Missing, Gone: x.result.Gone, Waits: t.waiting.Waits,
		Causes: x.reason.causes.First, More: x.reason.causes.More, Err: x.err})
	t.coalesce.executed(outstanding, len(used), x.took)
	if slices.ContainsFunc(used, func(q watch.ID) bool { return x.pass.updated[q] }) { // while nobody knew that t would use it, perhaps
		t.newData = true
		t.coalesce.changed(now)
	}
	if t.coalesce.due() { // what it waited for has come while it was executed
		s.mark(t)
	}
	switch {
	case complete && x.err == nil:
		r.Output = &x.result
		// Plugins may have new data of their own.
		r.SameData = !x.reason.newData && t.rendered && !failed && !strings.Contains(t.Text, "plugin")
		if failed || waited && len(missing) == 0 {
			s.events(event.Recovered{Template: t.Name, Destination: t.Destination, Failures: t.failure.attempts})
		}
		t.failure = failure{}
		return r, nil
	case complete && t.Fatal:
		return r, x.err
	case complete:
		attempts := t.failure.attempts + 1
		wait := s.options.Retry.Delay(attempts)
		repeated := failed && t.failure.err.Error() == x.err.Error()
		s.events(event.Failed{Template: t.Name, Destination: t.Destination, Err: x.err, Attempt: attempts, RetryIn: wait, Again: repeated})
		t.failure = failure{err: x.err, attempts: attempts, retry: now.Add(wait)}
	}
	// The next execution is for the same reasons.
	t.newData, t.recheck = t.newData || x.reason.newData, t.recheck || x.reason.recheck
	t.causes = x.reason.causes.With(t.causes)
	return r, nil
}

// Queries returns the queries that are used, some more than once.
func (s *Set) Queries() []watch.ID {
	var all []watch.ID
	for _, t := range s.list {
		all = append(all, s.graph.Uses(t)...)
	}
	return all
}

// Placed records that the destination of a template is right, and reports whether it is
// so for the first time.
func (s *Set) Placed(i int) (first bool) {
	first = !s.list[i].rendered
	s.list[i].rendered = true
	return first
}

// Rendered reports whether the destinations of all templates have been right.
func (s *Set) Rendered() bool {
	return !slices.ContainsFunc(s.list, func(t *state) bool { return !t.rendered })
}

// Recheck has a template executed, and its destination compared though the output
// is the same.
func (s *Set) Recheck(i int) {
	s.list[i].recheck = true
	s.mark(s.list[i])
}

// Outstanding reports whether a template is about to have its first output: it
// waits for answers that are on their way.
func (s *Set) Outstanding(i int) bool {
	t := s.list[i]
	return !t.rendered && t.parsed != nil && t.failure.err == nil && t.coalesce.outstanding > 0
}
