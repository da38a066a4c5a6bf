package runner

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"restencil/renderer"
	"restencil/runner/bundle"
	"restencil/runner/bundle/group"
	"restencil/runner/event"
	"restencil/runner/layout"
	"restencil/runner/templates"
	"restencil/template"
	"restencil/watch"
)

// A template with ForEach has a list, which is executed for the elements and their
// destinations, and one template for each element. Until the first list is complete, it
// is a member of the bundle in the place of the elements, which waits for them. A new
// list gives the runner other templates. A goroutine prepares them, since that reads
// files (see prepare); then the loop goes on with them (see grow).

// An expansion is the elements that templates with ForEach have. Those are known by
// their index in config.
type expansion struct {
	config Options // what New was called with: without elements
	layout.Elements
	listed map[int]bool // the lists with elements, by their index among the templates

	newest     map[int]*template.Result // what is to be used, or cannot be
	changed    bool                     // there is one that was not tried
	reported   map[string]layout.Held   // by destination: what is held
	late       layout.Late              // since the templates were the newest
	waiting    map[string]time.Time     // by bundle: until when it waits for its elements at most
	preparing  bool                     // a goroutine prepares other templates
	prepared   chan prepared            // its result
	generation int                      // of config
}

// prepared is what new lists lead to.
type prepared struct {
	generation int
	newest     map[int]*template.Result
	errs       map[int]error // why one of newest cannot be used
	layout.Elements
	next *Runner // with the templates; nil: they stay
}

// A parsedTemplate is a template with its parsed form.
type parsedTemplate struct {
	Template
	parsed *template.Template
	placed bool // its destination has been right
}

// parsedIn returns which templates are the same in old, for templates.Options.
func parsedIn(old []parsedTemplate, templates []Template) func(int) *template.Template {
	byOutput := make(map[event.Output]parsedTemplate, len(old))
	for _, t := range old {
		byOutput[event.Output{Template: t.Name, Destination: t.Destination}] = t
	}
	return func(i int) *template.Template {
		t := templates[i]
		name := event.Output{Template: t.Name, Destination: t.Destination}
		same, ok := byOutput[name]
		if !ok || !reflect.DeepEqual(same.Template, t) {
			return nil
		}
		delete(byOutput, name) // each has its own
		return same.parsed
	}
}

// withElements returns a runner for o with the elements of its templates. What is the same
// in old templates need not be parsed.
func withElements(o Options, lists map[int][]Template, w *watch.Watcher, old []parsedTemplate) (*Runner, error) {
	x := expansion{
		config: o, Elements: layout.Elements{Lists: lists}, listed: make(map[int]bool),
		newest: make(map[int]*template.Result), reported: make(map[string]layout.Held),
		late: make(layout.Late), waiting: make(map[string]time.Time),
	}
	all := make([]Template, 0, len(o.Templates))
	for i, t := range o.Templates {
		elements, ok := lists[i]
		if ok {
			x.listed[len(all)] = true
		}
		all = append(append(all, t), elements...)
	}
	o.Templates = all
	return newRunner(o, x, w, old)
}

// index returns where the list of a template of config is among the templates.
func (x *expansion) index(configured int) int {
	at := configured
	for i := range configured {
		at += len(x.Lists[i])
	}
	return at
}

// setList takes the result of a list. The template is the one at i.
func (x *expansion) setList(i int, list *template.Result) {
	for c, t := range x.config.Templates {
		if t.ForEach != "" && x.index(c) == i {
			x.newest[c], x.changed = list, true
		}
	}
}

// accept has the files removed whose elements a list lacks, of this destination, as if it
// lacked nothing. It reports whether there are any.
func (x *expansion) accept(destination string) bool {
	for c, t := range x.config.Templates {
		if x.reported[destination].Why != "" && t.ForEach != "" && t.Destination == destination {
			whole := *x.Results[c]
			whole.Partial = ""
			x.setList(x.index(c), &whole)
			return true
		}
	}
	return false
}

// prepare starts to prepare the templates for new lists.
func (r *Runner) prepare(ctx context.Context) {
	x := &r.expansion
	if !x.changed || x.preparing {
		return
	}
	p := prepared{generation: x.generation, newest: maps.Clone(x.newest), errs: make(map[int]error), Elements: layout.Elements{Lists: x.Lists, Results: x.Results}}
	x.changed, x.preparing = false, true
	config, watcher, state := x.config, r.watcher, r.opts.State
	old := make([]parsedTemplate, len(r.opts.Templates))
	for i, t := range r.opts.Templates {
		parsed, placed, _ := r.templates.State(i)
		old[i] = parsedTemplate{t, parsed, placed}
	}
	known := state
	if config.Plan != nil {
		known = config.State // which New left out, and is only read here
	}
	var recorded func(string) []string
	if known.Journal != nil {
		recorded = func(list string) []string {
			files, err := known.Journal.Elements(list)
			if err != nil {
				r.events.emit(event.JournalFailed{Err: err})
			}
			return files
		}
	}
	files := layout.Files(r.opts.Templates, func(i int) bool { return old[i].placed }, x.reported, recorded)
	done := x.prepared // a reload replaces x
	r.bundles.running.Go(func() {
		made := make(map[int][]Template)
		for c, list := range p.newest {
			if elements, err := layout.ElementsOf(config.Templates[c], list.Elements); err != nil {
				p.errs[c] = err
			} else {
				made[c] = elements
			}
		}
		use := func(which map[int][]Template) error {
			e := p.With(config.Templates, which, p.newest, files)
			if !reflect.DeepEqual(e.Lists, p.Lists) {
				next, err := withElements(config, e.Lists, watcher, old)
				if err != nil {
					return err
				}
				p.next = next
			}
			p.Elements = e
			return nil
		}
		if use(made) != nil { // one of them keeps no other from being used
			for _, c := range slices.Sorted(maps.Keys(made)) {
				p.errs[c] = use(map[int][]Template{c: made[c]})
			}
		}
		for c, files := range p.Taken {
			if state.Journal == nil {
				continue
			}
			if err := state.Journal.SetElements(config.Templates[c].Destination, files, true); err != nil {
				r.events.emit(event.JournalFailed{Err: err})
			}
		}
		select {
		case done <- p:
		case <-ctx.Done():
		}
	})
}

// grow goes on with the templates for new lists. The error is that of a list that may
// not fail.
func (r *Runner) grow(p prepared) error {
	x := &r.expansion
	x.preparing = false
	if p.generation != x.generation {
		return nil // all lists of the new configuration are executed
	}
	x.Elements = p.Elements
	if p.next != nil {
		old := r.opts.Templates
		r.opts, x.listed = p.next.opts, p.next.expansion.listed
		r.templates.Replace(p.next.templates, func(i, j int) bool { return reflect.DeepEqual(old[i], r.opts.Templates[j]) }, false, time.Now())
		r.bundles.replace(p.next.bundles.list, r.opts, x.listed)
		for _, s := range r.bundles.list {
			if !s.kept {
				r.inherit(s)
			}
		}
	}
	for c, list := range p.newest {
		err := p.errs[c]
		if err == nil && x.newest[c] == list {
			delete(x.newest, c)
		}
		if err := r.use(x.index(c), err, renderer.Unchanged, templates.Causes{}); err != nil {
			return err
		}
	}
	for c, h := range p.Held {
		name := x.config.Templates[c].Destination
		switch old := x.reported[name].Why; {
		case h.Why != old && h.Why != "":
			r.events.emit(event.BundleHeld{Bundle: name, Reason: h.Why})
		case h.Why != old:
			r.events.emit(event.BundleReleased{Bundle: name})
		}
		x.reported[name] = h
	}
	x.relist(r.opts.Templates)
	return r.offer(nil) // the bundles that were kept need not wait any more
}

// relist has lists used again that no longer had an element when its file was put in
// place: the file is to be removed.
func (x *expansion) relist(now []Template) {
	if x.preparing {
		return
	}
	for list, files := range x.late.Lost(now) {
		for c, t := range x.config.Templates {
			if t.ForEach != "" && t.Destination == list && x.Results[c] != nil {
				h := x.reported[list]
				h.Files = append(h.Files, files...)
				x.reported[list] = h
				x.newest[c], x.changed = cmp.Or(x.newest[c], x.Results[c]), true
			}
		}
	}
}

// inherit has a bundle with other elements go on with the outputs of those that it
// replaces.
func (r *Runner) inherit(s *bundleState) {
	if r.opts.Plan != nil { // nothing has taken them
		for _, i := range s.templates {
			r.templates.Recheck(i)
		}
		return
	}
	s.offered, s.outstanding = r.bundles.pass, slices.ContainsFunc(s.templates, r.templates.Outstanding)
	s.notBefore = r.expansion.notBefore(s, r.templates)
	s.Offer(bundle.Offer{Pass: s.offered, Outstanding: s.outstanding, NotBefore: s.notBefore}, s.templates[0])
}

// expanding bounds how long a bundle waits for new elements to be parsed and executed.
const expanding = 10 * time.Second

// notBefore returns until when a named bundle waits at most, zero: it does not. It waits
// while a list of it is being expanded and until the new elements have been executed once,
// so that all that a change of the list leads to is one change. An element that lacks data
// then has the bundle wait as any member does.
func (x *expansion) notBefore(s *bundleState, set *templates.Set) time.Time {
	if s.spec.Policy != group.Together {
		return time.Time{}
	}
	name, waits := s.spec.Name, false
	for c := range x.newest {
		waits = waits || (x.changed || x.preparing) && x.config.Templates[c].Bundle == name
	}
	for i, t := range s.templates {
		_, _, first := set.State(t)
		waits = waits || s.spec.Members[i].ElementOf != "" && first
	}
	switch {
	case !waits:
		delete(x.waiting, name)
	case x.waiting[name].IsZero():
		x.waiting[name] = time.Now().Add(expanding)
	}
	return x.waiting[name]
}
