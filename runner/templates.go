package runner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"restencil/runner/bundle"
	"restencil/runner/event"
	"restencil/template"
	"restencil/watch"
	"restencil/watch/schedule"
)

// templates are the templates of a runner, and which queries they use.
type templates struct {
	list       []*templateState
	byID       map[int]*templateState
	lastID     int
	graph      template.Graph
	dirty      []*templateState // to be executed
	unused     []watch.Query    // nobody uses them, unless the next execution does
	unrendered int              // how many have not been rendered

	retries schedule.Timers[*templateState] // to be executed without another answer
	reports schedule.Timers[*templateState] // to be told that they wait
}

// templateState is one template with its state.
type templateState struct {
	id     int // in the graph; no other template ever has it
	index  int // among the templates
	spec   Template
	tmpl   *template.Template // nil: it could not be parsed
	member int                // its place in its bundle
	bundle *bundleState

	execution
	failure failure
	waiting waiting
	coalesce
}

// execution is what is known of a template's executions.
type execution struct {
	dirty    bool // to be executed; it stands in templates.dirty
	running  bool // it is being executed
	rendered bool // its destination has been right at some time
	news          // since the last execution began
}

// news is why a template is executed.
type news struct {
	fed     bool // there is new data
	recheck bool // its bundle is to compare the destination though the output is the same
}

// failure is why a template failed last.
type failure struct {
	text  string // "": it did not
	row   int    // how often in a row
	retry time.Time
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
	s := &templateState{spec: t}
	s.dirty = true
	tmpl, err := template.Parse(t.Options, template.Host{
		LookupEnv: r.opts.LookupEnv,
		Serves:    r.watcher.Serves,
	})
	switch {
	case err == nil:
		s.tmpl = tmpl
	case t.OnError == ErrorTolerated:
		s.failure.text, s.dirty = err.Error(), false
		r.early = append(r.early, event.Failed{Template: t.Name, Destination: t.Destination, Err: err})
	default:
		return err
	}
	r.templates.list = append(r.templates.list, s)
	return nil
}

// number numbers the templates, and notes what there is to do for them.
func (t *templates) number(o Options) {
	t.byID = make(map[int]*templateState, len(t.list))
	t.dirty, t.unrendered = nil, 0
	for i, s := range t.list {
		s.index = i
		if s.id == 0 {
			t.lastID++
			s.id = t.lastID
		}
		t.byID[s.id] = s
		if s.dirty {
			t.dirty = append(t.dirty, s)
		}
		if !s.rendered {
			t.unrendered++
		}
	}
}

// begin notes that an execution of s begins, and returns why.
func (s *templateState) begin() news {
	began := s.news
	s.running, s.news = true, news{}
	s.coalesce.begin()
	return began
}

// unsettled has the next execution of s do what this one, begun because of this
// news, did not.
func (s *templateState) unsettled(began news) {
	s.fed, s.recheck = s.fed || began.fed, s.recheck || began.recheck
}

// output returns what s is known by.
func (s *templateState) output() event.Output {
	return event.Output{Template: s.spec.Name, Destination: s.spec.Destination}
}

// mark has s executed.
func (t *templates) mark(s *templateState) {
	if !s.dirty {
		s.dirty = true
		t.dirty = append(t.dirty, s)
	}
}

// takeDirty returns the templates that are to be executed now, in order. One that
// is being executed is so after that. With once, those that were rendered are not.
func (t *templates) takeDirty(now time.Time, once bool) []*templateState {
	for _, s := range t.retries.PopAll(now) {
		if !s.failure.retry.After(now) {
			s.failure.retry = time.Time{}
		}
		t.mark(s)
	}
	var now_, later []*templateState
	for _, s := range t.dirty {
		switch {
		case s.running:
			later = append(later, s)
			continue
		case s.tmpl != nil && !(once && s.rendered):
			now_ = append(now_, s)
		}
		s.dirty = false
	}
	t.dirty = later
	slices.SortFunc(now_, func(a, b *templateState) int { return a.index - b.index })
	return now_
}

// idle tells whether no template is to be executed.
func (t *templates) idle() bool { return len(t.dirty) == 0 }

// placed notes that the destination of s is right.
func (t *templates) placed(s *templateState) {
	if !s.rendered && t.byID[s.id] == s {
		t.unrendered--
	}
	s.rendered = true
}

// plan notes when s is to be executed again, and to be reported, by itself.
func (t *templates) plan(s *templateState) {
	t.retries.Set(s, earliest(s.failure.retry, s.coalesce.until))
	t.reports.Set(s, s.waiting.nextReport())
}

// discharge forgets a template that is no more. What it asked may be what a new
// one asks, so that is seen to later.
func (t *templates) discharge(s *templateState) {
	_, dropped := t.graph.Use(s.id, nil)
	t.unused = append(t.unused, dropped...)
	t.retries.Remove(s)
	t.reports.Remove(s)
}

// inform lets the templates that use q know of its new state.
func (t *templates) inform(q watch.Query, old, now watch.State, at time.Time) {
	first := !old.Known && old.Failure == nil
	for _, id := range t.graph.Users(q) {
		s := t.byID[id]
		if s == nil {
			continue
		}
		s.fed = s.fed || now.Version != old.Version
		if first {
			s.coalesce.arrived()
		}
		if now.Version != old.Version {
			s.coalesce.heard(at)
		}
		if s.coalesce.over() {
			t.mark(s)
		} else {
			t.plan(s)
		}
	}
}

// failed notes an error of a template, and returns it where it ends Run.
func (r *Runner) failed(s *templateState, err error, now time.Time) error {
	if s.fatal(r.opts.Once) {
		return err
	}
	known := s.failure.text == err.Error()
	s.failure.text = err.Error()
	s.failure.row++
	s.failure.retry = now.Add(r.opts.Retry.Delay(s.failure.row))
	if !known {
		r.events.emit(event.Failed{Template: s.spec.Name, Destination: s.spec.Destination, Err: err})
	}
	return nil
}

// fatal tells whether an error of s ends Run.
func (s *templateState) fatal(once bool) bool {
	return s.spec.OnError == ErrorFatal || once && s.spec.OnError != ErrorTolerated
}

// rendering returns what is offered of an output of s.
func (s *templateState) rendering(x executed, told bool) bundle.Rendered {
	r := bundle.Rendered{Output: x.output, Told: told, Recheck: x.began.recheck}
	// Plugins may have news of their own.
	r.Unfed = !x.began.fed && s.rendered && s.failure.text == "" && !strings.Contains(s.spec.Text, "plugin")
	return r
}
