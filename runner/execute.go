package runner

import (
	"slices"
	"time"

	"restencil/runner/bundle"
	"restencil/runner/event"
	"restencil/template"
	"restencil/watch"
)

// execute begins to execute the dirty templates.
func (r *Runner) execute(now time.Time) {
	r.passes.begin(r.templates.takeDirty(now, r.opts.Once), now)
	if r.passes.idle() && len(r.templates.unused)+len(r.moving) > 0 { // a reload left nothing to execute
		r.watch(nil, now)
	}
}

// finishPasses deals with the executions that have come to their end: what they
// asked is watched, and what they rendered is offered to the bundles. The error
// ends Run.
func (r *Runner) finishPasses(now time.Time) error {
	for _, done := range r.passes.take(now) {
		for _, x := range done {
			x.template.running = false
		}
		done = slices.DeleteFunc(done, func(x executed) bool {
			gone := r.templates.byID[x.template.id] != x.template
			if x.located != nil && !gone {
				x.located()
				r.templates.plan(x.template)
			}
			return gone || x.located != nil
		})
		r.watch(done, now)
		offers := make(offers)
		for _, x := range done {
			if err := r.settle(x, offers, now); err != nil {
				return err
			}
			r.templates.plan(x.template)
		}
		r.bundles.offer(offers)
	}
	return nil
}

// watch brings the watched queries in line with what templates used. The watch
// plane hears of them all at once. What one template gave up and another took
// up goes on as it is.
func (r *Runner) watch(done []executed, now time.Time) {
	t := &r.templates
	var added []watch.Query
	dropped := t.unused
	for _, x := range done {
		used := x.result.Used
		if x.err != nil {
			used = template.Keep(t.graph.Uses(x.template.id), used)
		}
		a, d := t.graph.Use(x.template.id, used)
		added, dropped = append(added, a...), append(dropped, d...)
	}
	t.unused = nil
	dropped = slices.DeleteFunc(dropped, func(q watch.Query) bool { return len(t.graph.Users(q)) > 0 })
	r.watcher.Unwatch(dropped...)
	r.passes.answers.forget(dropped)
	for _, q := range dropped {
		r.events.emit(r.stores.forget(q, now))
	}
	r.watcher.Replace(r.moving)
	r.moving = nil
	r.watcher.Watch(added...)
}

// settle decides what an execution means for its template, and adds what is to
// be offered of it. The error ends Run.
func (r *Runner) settle(x executed, to offers, now time.Time) error {
	s := x.template
	told := s.waiting.reports > 0
	s.waiting.for_(x.result.Missing, now)
	s.coalesce.executed(r.outstanding(x), len(r.templates.graph.Uses(s.id)))
	if s.coalesce.over() { // what it waited for has come while it was executed
		r.templates.mark(s)
	}
	if x.output == nil {
		s.unsettled(x.began)
		to.add(s, bundle.Rendered{})
		if x.err == nil || !x.result.Complete() {
			return nil
		}
		return r.failed(s, x.err, now)
	}
	if r.countsInstances(s) {
		x.output.Instances = r.instances(s)
	}
	to.add(s, s.rendering(x, told || s.failure.text != ""))
	if s.failure.text != "" {
		r.events.emit(event.Recovered{Template: s.spec.Name, Destination: s.spec.Destination})
	}
	s.failure = failure{}
	return nil
}

// outstanding returns how many queries x's template uses that have neither an
// answer nor a failure.
func (r *Runner) outstanding(x executed) int {
	if x.output != nil {
		return 0
	}
	n := 0
	for _, q := range r.templates.graph.Uses(x.template.id) {
		if st, _ := r.passes.answers.state(q); !st.Known && st.Failure == nil {
			n++
		}
	}
	return n
}

// countsInstances tells whether a guard wants to know how many instances the
// services have that s uses.
func (r *Runner) countsInstances(s *templateState) bool {
	return len(s.spec.Guard.MinInstances) > 0 || s.bundle != nil && len(s.bundle.Spec().Guard.MinInstances) > 0
}

// instances counts the instances of the services that s uses. Where it asks for
// one in several ways, the fewest count, since those are in some file; but not
// those with a certain tag where it asks without one.
func (r *Runner) instances(s *templateState) map[string]int {
	count, tagged := make(map[string]int), make(map[string]int)
	for _, q := range r.templates.graph.Uses(s.id) {
		st, _ := r.passes.answers.state(q)
		n, ok := instancesIn(st)
		to := count
		if q.Tag != "" {
			to = tagged
		}
		if least, known := to[q.Name]; ok && (!known || n < least) {
			to[q.Name] = n
		}
	}
	for name, n := range tagged {
		if _, known := count[name]; !known {
			count[name] = n
		}
	}
	return count
}

// instancesIn returns how many instances of a service an answer has, where it
// is one about that.
func instancesIn(st watch.State) (n int, ok bool) {
	switch data := st.Answer.Data.(type) {
	case []*watch.HealthService:
		return len(data), true
	case []*watch.NomadServiceInstance:
		return len(data), true
	}
	return 0, false
}
