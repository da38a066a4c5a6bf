package runner

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"restencil/renderer"
	"restencil/runner/bundle"
	"restencil/runner/process"
	"restencil/watch/schedule"
)

// bundles are the bundles of a runner, and what the loop knows of them.
type bundles struct {
	specs   []planned
	list    []*bundleState
	of      map[*bundle.Bundle]*bundleState
	pass    int // of the newest offers
	reports chan bundle.Report
	shared  *bundle.Shared
	ctx     context.Context
	running sync.WaitGroup
}

// bundleState is what the loop knows of a bundle.
type bundleState struct {
	*bundle.Bundle
	templates []*templateState // its members, by their place in the spec
	offered   int              // the pass of the newest offer
	settled   int              // up to which pass it has done what there was to do
	expects   bool             // it was told that an output is outstanding
}

// planned is a bundle that is to be, and its templates.
type planned struct {
	spec      bundle.Spec
	templates []*templateState
}

// plan makes bundles of templates: those named, and implicit ones of the
// templates that have the same command, or none.
func plan(o Options, list []*templateState) ([]planned, error) {
	var all []planned
	index := make(map[string]int) // among all, by name or command
	for _, spec := range o.Bundles {
		if _, twice := index["bundle "+spec.Name]; twice {
			return nil, fmt.Errorf("bundle %q is there twice", spec.Name)
		}
		spec.Policy = bundle.Together
		if spec.Retry == (schedule.Backoff{}) {
			spec.Retry = o.Retry
		}
		if o.Once {
			spec.Wait = Wait{}
		}
		index["bundle "+spec.Name] = len(all)
		all = append(all, planned{spec: spec})
	}
	for _, s := range list {
		key := "bundle " + s.spec.Bundle
		if s.spec.Bundle == "" || o.Dry {
			key = "command " + fmt.Sprintf("%q", s.spec.Command.Args)
			if o.Dry {
				key = "print"
			}
		}
		at, ok := index[key]
		switch {
		case !ok && s.spec.Bundle != "" && !o.Dry:
			return nil, fmt.Errorf("template %s belongs to bundle %q, which is not there", s.spec.Name, s.spec.Bundle)
		case !ok:
			at = len(all)
			index[key] = at
			all = append(all, planned{spec: implicit(o, s.spec)})
		}
		p := &all[at]
		s.member = len(p.templates)
		p.templates = append(p.templates, s)
		p.spec.Members = append(p.spec.Members, member(o, s.spec))
	}
	all = slices.DeleteFunc(all, func(p planned) bool { return len(p.templates) == 0 })
	return all, shadow(o, all)
}

// implicit returns the bundle of templates with the command of t.
func implicit(o Options, t Template) bundle.Spec {
	spec := bundle.Spec{
		Name:          t.Destination,
		Policy:        bundle.Each,
		Reload:        t.Command,
		Retry:         o.Retry,
		ExitOnFailure: o.ExitOnFailure,
	}
	if o.Dry {
		spec.Policy, spec.Reload = bundle.Print, Command{}
	}
	return spec
}

// member returns what a bundle needs to know of t.
func member(o Options, t Template) bundle.Member {
	return bundle.Member{
		Template:    t.Name,
		Destination: t.Destination,
		Perm:        t.Perm,
		DirPerm:     t.DirPerm,
		User:        t.User,
		Group:       t.Group,
		NoParents:   t.NoParents,
		Backup:      t.Backup,
		SecretPerm:  o.SecretPerms,
		Format:      t.Format,
		Check:       t.Check,
		Guard:       t.Guard,
		Wait:        t.Wait,
		Fatal:       t.OnError == ErrorFatal || o.Once && t.OnError != ErrorTolerated,
	}
}

// shadow deals with destinations that several templates have: of plain templates
// the last one counts, as in consul-template; a named bundle has its own.
func shadow(o Options, all []planned) error {
	type place struct {
		p      *planned
		member int
	}
	last := make(map[string]place)
	var errs []string
	for i := range all {
		p := &all[i]
		for j, m := range p.spec.Members {
			path, err := filepath.Abs(m.Destination)
			if err != nil || m.Destination == "" || o.Dry || renderer.StreamOf(m.Destination) != renderer.NoStream {
				continue
			}
			other, twice := last[path]
			if twice && (other.p.spec.Policy == bundle.Together || p.spec.Policy == bundle.Together) {
				errs = append(errs, fmt.Sprintf("%s and %s both write %s: give each its own destination",
					describe(other.p.spec, other.member), describe(p.spec, j), m.Destination))
				continue
			}
			if twice && other.p != p {
				if other.p.templates[other.member].index > p.templates[j].index {
					p.spec.Members[j].Shadowed = true
					continue
				}
				other.p.spec.Members[other.member].Shadowed = true
			}
			last[path] = place{p, j}
		}
	}
	if errs == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(errs, "\n"))
}

func describe(s bundle.Spec, member int) string {
	text := "template " + s.Members[member].Template
	if s.Policy == bundle.Together {
		text += fmt.Sprintf(" of bundle %q", s.Name)
	}
	return text
}

// start starts the bundles of the specs.
func (b *bundles) start(ctx context.Context, r *Runner, system process.System) {
	b.ctx = ctx
	b.reports = make(chan bundle.Report)
	b.of = make(map[*bundle.Bundle]*bundleState)
	b.shared = r.shared(system)
	for _, p := range b.specs {
		b.run(p)
	}
	b.specs = nil
}

// shared returns what bundles work with.
func (r *Runner) shared(system process.System) *bundle.Shared {
	o, ctx := r.opts, r.bundles.ctx
	return &bundle.Shared{
		Run:         system.Run,
		InPlace:     system.CanOverlay,
		Journal:     o.Journal,
		Lane:        new(bundle.Lane),
		Secrets:     new(bundle.Secrets),
		Events:      r.events.emit,
		Stdout:      bundle.NewStream(o.Stdout),
		Stderr:      bundle.NewStream(o.Stderr),
		Once:        o.Once,
		KeepSecrets: o.KeepSecrets,
		Reconcile:   o.Reconcile,
		Unresolved:  o.Unresolved,
		Report: func(report bundle.Report) {
			select {
			case r.bundles.reports <- report:
			case <-ctx.Done():
			}
		},
	}
}

// run starts a bundle, which takes the place of others.
func (b *bundles) run(p planned, after ...*bundle.Bundle) {
	s := &bundleState{Bundle: bundle.New(p.spec, b.shared, after...), templates: p.templates}
	for _, t := range p.templates {
		t.bundle = s
	}
	b.list = append(b.list, s)
	b.of[s.Bundle] = s
	b.running.Go(func() { s.Run(b.ctx) })
}

// join waits for all bundles to end. The context has ended.
func (b *bundles) join() { b.running.Wait() }

// settled tells whether the bundles have done what there was to do for the
// passes up to this one.
func (b *bundles) settled(pass int) bool {
	return !slices.ContainsFunc(b.list, func(s *bundleState) bool {
		return s.settled < min(s.offered, pass)
	})
}

// offers are what a pass has for the bundles.
type offers map[*bundleState]map[int]bundle.Rendered

func (o offers) add(s *templateState, r bundle.Rendered) {
	if o[s.bundle] == nil {
		o[s.bundle] = make(map[int]bundle.Rendered)
	}
	o[s.bundle][s.member] = r
}

// offer gives the bundles what a pass has for them, in the order of their
// templates.
func (b *bundles) offer(all offers) {
	b.pass++
	for _, s := range b.list {
		outputs := all[s]
		expects := slices.ContainsFunc(s.templates, (*templateState).outstandingFirst)
		if outputs == nil && expects == s.expects {
			continue
		}
		s.expects = expects
		s.offered = b.pass
		order := s.templates[0].index
		for i := range outputs {
			order = min(order, s.templates[i].index)
		}
		s.Offer(bundle.Offer{Pass: b.pass, Outputs: outputs, Outstanding: expects}, order)
	}
}

// outstandingFirst tells whether s is about to have its first output: it waits
// for answers that are on their way.
func (s *templateState) outstandingFirst() bool {
	return !s.rendered && s.tmpl != nil && s.failure.text == "" && s.coalesce.outstanding > 0
}
