package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"restencil/renderer"
	"restencil/runner/bundle"
	"restencil/runner/bundle/group"
	"restencil/runner/event"
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
	config  Options                  // what New was called with: without elements
	lists   map[int][]Template       // the elements, and the files that are to be removed
	results map[int]*template.Result // what they are made of; nil: the list is not known yet
	listed  map[int]bool             // the lists with elements, by their index among the templates

	newest     map[int]*template.Result // what is to be used, or cannot be
	changed    bool                     // there is one that was not tried
	failed     map[int]string           // why the newest list cannot be used, as reported
	held       map[string]held          // by destination, as reported
	preparing  bool                     // a goroutine prepares other templates
	prepared   chan prepared            // its result
	generation int                      // of config
}

// A held is files whose elements are not in a list that may lack something. They stay.
type held struct {
	files []string
	why   string
}

// prepared is what new lists lead to.
type prepared struct {
	generation int
	newest     map[int]*template.Result
	errs       map[int]error // why one of newest cannot be used
	lists      map[int][]Template
	results    map[int]*template.Result
	held       map[int]held
	taken      map[int][]string // files of elements that other templates have now
	next       *Runner          // with the templates; nil: they stay
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

// checkList returns what is wrong with a template with ForEach, but for its list.
func checkList(t Template, host template.Host) error {
	if fixedDir(t) == "" {
		return fmt.Errorf(`template %s has for_each, and its destination is not a file for each element in a fixed directory: write one such as destination = "/etc/nginx/sites/{{ .Key }}.conf"`, t.Name)
	}
	t.ForEach = ""
	_, err := template.Parse(t.Options, host)
	return err
}

// withElements returns a runner for o with the elements of its templates. What is the same
// in old templates need not be parsed.
func withElements(o Options, lists map[int][]Template, w *watch.Watcher, old []parsedTemplate) (*Runner, error) {
	x := expansion{
		config: o, lists: lists, listed: make(map[int]bool),
		newest: make(map[int]*template.Result), failed: make(map[int]string), held: make(map[string]held),
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
		at += len(x.lists[i])
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
		if x.held[destination].why != "" && t.ForEach != "" && t.Destination == destination {
			whole := *x.results[c]
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
	p := prepared{generation: x.generation, newest: maps.Clone(x.newest), errs: make(map[int]error), lists: x.lists, results: x.results}
	x.changed, x.preparing = false, true
	config, watcher, state := x.config, r.watcher, r.opts.State
	old := make([]parsedTemplate, len(r.opts.Templates))
	for i, t := range r.opts.Templates {
		parsed, placed := r.templates.State(i)
		old[i] = parsedTemplate{t, parsed, placed}
	}
	files := x.elementFiles(old, state, r.events.emit)
	r.bundles.running.Go(func() {
		made := make(map[int][]Template)
		for c, list := range p.newest {
			if elements, err := ElementsOf(config.Templates[c], list.Elements); err != nil {
				p.errs[c] = err
			} else {
				made[c] = elements
			}
		}
		use := func(which map[int][]Template) error {
			e := p.expand(config, which, files)
			next := p.next
			if !reflect.DeepEqual(e.lists, p.lists) {
				var err error
				if next, err = withElements(config, e.lists, watcher, old); err != nil {
					return err
				}
			}
			e.generation, e.newest, e.errs, e.next = p.generation, p.newest, p.errs, next
			p = e
			return nil
		}
		if use(made) != nil { // one of them keeps no other from being used
			for _, c := range slices.Sorted(maps.Keys(made)) {
				p.errs[c] = use(map[int][]Template{c: made[c]})
			}
		}
		for c, files := range p.taken {
			if state.Journal == nil {
				continue
			}
			if err := state.Elements(config.Templates[c].Destination).Remove(files); err != nil {
				r.events.emit(event.JournalFailed{Err: err})
			}
		}
		select {
		case x.prepared <- p:
		case <-ctx.Done():
		}
	})
}

// expand returns what p is with the elements of other lists. A file that was made for an
// element is removed when no template has it, none may have it in a list that is not
// known yet, and its own list lacks nothing.
func (p *prepared) expand(config Options, made map[int][]Template, files func(Template) []string) prepared {
	e := prepared{lists: make(map[int][]Template), results: maps.Clone(p.results), held: make(map[int]held), taken: make(map[int][]string)}
	if e.results == nil {
		e.results = make(map[int]*template.Result)
	}
	used := make(map[string]int) // by whose template
	var unknown []string         // directories
	for c, t := range config.Templates {
		if elements, ok := made[c]; ok {
			e.lists[c], e.results[c] = elements, p.newest[c]
		} else if old, ok := p.lists[c]; ok {
			e.lists[c] = slices.DeleteFunc(slices.Clone(old), func(t Template) bool { return t.Absent })
		}
		for _, element := range e.lists[c] {
			used[group.Path(element.Destination)] = c
		}
		if t.ForEach == "" {
			used[group.Path(t.Destination)] = c
		} else if e.results[c] == nil {
			unknown = append(unknown, fixedDir(t))
		}
	}
	for c, list := range e.results {
		t, h := config.Templates[c], held{}
		gone := t
		gone.ForEach, gone.ElementOf, gone.Text, gone.Absent = "", t.Destination, "", true
		for _, file := range files(t) {
			in := func(dir string) bool { return checkElement(dir, file) == nil }
			by, isUsed := used[group.Path(file)]
			switch {
			case isUsed && by != c:
				e.taken[c] = append(e.taken[c], group.Path(file))
			case isUsed || !in(fixedDir(t)) || slices.ContainsFunc(unknown, in):
			case list.Partial == "":
				gone.Destination = file
				e.lists[c] = append(e.lists[c], gone)
			default:
				if _, err := os.Lstat(file); err == nil {
					h.files = append(h.files, file)
					h.why = fmt.Sprintf("removing files (%d) waits for a list that lacks nothing: %s", len(h.files), list.Partial)
				}
			}
		}
		e.held[c] = h
	}
	return e
}

// elementFiles returns a function that returns the files that were made for the
// elements of a template, as they were named if that is known. Without a journal they
// are those of this process.
func (x *expansion) elementFiles(old []parsedTemplate, state State, emit func(event.Event)) func(Template) []string {
	type element struct{ list, path string }
	names := make(map[element]string)
	byList := make(map[string][]string)
	for list, h := range x.held {
		byList[list] = slices.Clone(h.files)
	}
	for _, t := range old {
		if t.ElementOf != "" {
			names[element{t.ElementOf, group.Path(t.Destination)}] = t.Destination
			if t.Absent || t.placed {
				byList[t.ElementOf] = append(byList[t.ElementOf], t.Destination)
			}
		}
	}
	return func(t Template) []string {
		if state.Journal == nil {
			return byList[t.Destination]
		}
		files, err := state.Elements(t.Destination).Files()
		if err != nil {
			emit(event.JournalFailed{Err: err})
		}
		for i, path := range files {
			files[i] = cmp.Or(names[element{t.Destination, path}], path)
		}
		return files
	}
}

// ElementsOf returns the templates for the elements of t.
func ElementsOf(t Template, elements []template.Element) ([]Template, error) {
	made := []Template{}
	one := t
	one.ForEach, one.ElementOf = "", t.Destination
	dir := fixedDir(t)
	paths := make(map[string]int) // the element of each
	for i, e := range elements {
		path := group.Path(e.Text)
		if err := checkElement(dir, e.Text); err != nil {
			return nil, e.Secrets.MaskError(fmt.Errorf("the destination %q of element %d: %w", e.Text, i+1, err))
		}
		if first, twice := paths[path]; twice {
			return nil, e.Secrets.MaskError(fmt.Errorf("elements %d and %d have one destination, %s: make it different for each", first, i+1, e.Text))
		}
		paths[path] = i + 1
		one.Dot, one.DotSecrets, one.Destination = e.Dot, e.Secrets, e.Text
		made = append(made, one)
	}
	return made, nil
}

// fixedDir returns the directory that all elements of t have their destinations in, ""
// where it differs.
func fixedDir(t Template) string {
	fixed, _, _ := strings.Cut(t.Destination, cmp.Or(t.LeftDelim, "{{"))
	if !strings.ContainsRune(filepath.ToSlash(fixed), '/') {
		return ""
	}
	return group.Path(filepath.Dir(fixed + "x"))
}

// checkElement returns an error unless an element may have a destination: what is in a
// store decides about it.
func checkElement(dir, destination string) error {
	path := group.Path(destination)
	switch {
	case destination == "" || strings.HasSuffix(destination, "/"):
		return errors.New("it names no file")
	case !utf8.ValidString(destination) || strings.ContainsFunc(destination, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return errors.New("it has characters that are not for names of files")
	case slices.Contains(strings.Split(filepath.ToSlash(destination), "/"), "..") || !strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/"):
		return fmt.Errorf("it is not below %s, where those of all elements are", dir)
	case renderer.IsTemp(path):
		return errors.New("temporary files have such names")
	}
	return nil
}

// grow goes on with the templates for new lists. The error is that of a list that may
// not fail.
func (r *Runner) grow(p prepared) error {
	x := &r.expansion
	x.preparing = false
	if p.generation != x.generation {
		return nil // all lists of the new configuration are executed
	}
	x.lists, x.results = p.lists, p.results
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
		i := x.index(c)
		t, err := r.opts.Templates[i], p.errs[c]
		switch {
		case err != nil && t.Fatal:
			return &event.FileError{Template: t.Name, Destination: t.Destination, Err: err}
		case err != nil:
			r.events.emit(event.Failed{Template: t.Name, Destination: t.Destination, Err: err, Again: x.failed[c] == err.Error()})
			x.failed[c] = err.Error()
		default:
			if x.failed[c] != "" {
				r.events.emit(event.Recovered{Template: t.Name, Destination: t.Destination, Failures: 1})
			}
			delete(x.failed, c)
			if x.newest[c] == list {
				delete(x.newest, c)
			}
			first := r.templates.Placed(i)
			r.events.emit(event.Rendered{Template: t.Name, Destination: t.Destination, Change: renderer.Unchanged, First: first})
			r.events.emit(event.Stepping{Bundles: []string{t.Destination}, Step: event.Applied})
		}
	}
	for c, h := range p.held {
		name := x.config.Templates[c].Destination
		switch old := x.held[name].why; {
		case h.why != old && h.why != "":
			r.events.emit(event.BundleHeld{Bundle: name, Reason: h.why})
		case h.why != old:
			r.events.emit(event.BundleReleased{Bundle: name})
		}
		x.held[name] = h
	}
	return nil
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
	s.Offer(bundle.Offer{Pass: s.offered, Outstanding: s.outstanding}, s.templates[0])
}

// keepElements returns the elements of the templates that config has, too, by their
// index there.
func (x *expansion) keepElements(config Options) map[int][]Template {
	lists := make(map[int][]Template)
	for i, t := range config.Templates {
		for c, elements := range x.lists {
			if reflect.DeepEqual(t, x.config.Templates[c]) {
				lists[i] = elements
			}
		}
	}
	return lists
}
