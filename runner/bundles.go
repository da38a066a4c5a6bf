package runner

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"restencil/runner/bundle"
	"restencil/runner/bundle/group"
	"restencil/runner/diff"
	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/runner/templates"
	"restencil/watch"
)

// bundles are the bundles of a runner, as the loop sees them.
type bundles struct {
	list     []*bundleState
	ending   []*bundleState // those that were stopped, and may not have ended
	byBundle map[*bundle.Bundle]*bundleState
	members  []member // the templates
	pass     int      // of the newest offers
	reports  chan bundle.Report
	shared   *bundle.Shared
	ctx      context.Context
	running  sync.WaitGroup
}

// A bundleState is a bundle as the loop sees it.
type bundleState struct {
	*bundle.Bundle // nil: it is not started
	spec           group.Spec
	templates      []int // its members, by their index in the spec

	outputs     map[int]templates.Result // with Options.Plan: the newest, by member
	offered     int                      // the pass of the newest offer
	settled     int                      // up to which pass it has done what there was to do
	outstanding bool                     // in the newest offer
	notBefore   time.Time                // in the newest offer
	kept        bool                     // it is older than the last reload
}

// A member is a template as a member of a bundle.
type member struct {
	*bundleState
	index int // in the spec
}

// start makes the bundles, and starts them.
func (b *bundles) start(ctx context.Context, o Options, listed map[int]bool, events func(event.Event), system process.System) {
	b.ctx = ctx
	b.reports = make(chan bundle.Report)
	b.byBundle = make(map[*bundle.Bundle]*bundleState)
	b.shared = &bundle.Shared{
		Events: events,
		Stdout: bundle.NewStream(o.Stdout),
		Stderr: bundle.NewStream(o.Stderr),
		Once:   o.Once,
		Report: func(report bundle.Report) {
			select {
			case b.reports <- report:
			case <-ctx.Done():
			}
		},
	}
	b.shared.Run = func(ctx context.Context, c process.Command) (string, error) {
		began := time.Now()
		output, err := system.Run(ctx, c)
		e := event.CommandEnded{Args: slices.Clone(c.Args), Took: time.Since(began)}
		for i := range e.Args {
			if c.Mask != nil {
				e.Args[i] = c.Mask(e.Args[i])
			}
		}
		if err != nil {
			e.Err = process.Brief(err, c.Mask)
		}
		events(e)
		return output, err
	}
	b.shared.InPlace, b.shared.Preview, b.shared.ConsulTemplate = system.CanOverlay, o.Plan != nil, o.ConsulTemplate
	if o.Once {
		b.shared.Attempts = o.Limits.Attempts[watch.Consul]
	}
	b.shared.State.Store(&o.State)
	for _, s := range b.list {
		b.add(s)
	}
	b.shared.Inherit()
	b.run(o, listed)
}

// add makes a bundle, which replaces others.
func (b *bundles) add(s *bundleState, after ...*bundle.Bundle) {
	s.Bundle = bundle.New(s.spec, b.shared, after...)
	b.byBundle[s.Bundle] = s
}

// run sets the members, emits which bundles there are, and starts those that are new.
func (b *bundles) run(o Options, listed map[int]bool) {
	b.members = make([]member, len(o.Templates))
	e := event.Planned{Local: o.Local, Childless: o.Child == nil, Elements: make(map[event.Output]string)}
	for _, s := range b.list {
		spec := s.spec
		one := event.Bundle{Name: spec.Name, Named: spec.Policy == group.Together, Reload: spec.Reload.Args, Kept: s.kept, Rolling: spec.Rolling.Limit > 0}
		for i, m := range spec.Members {
			b.members[s.templates[i]] = member{s, i}
			to := event.Output{Template: m.Template, Destination: m.Destination}
			if one.Members = append(one.Members, to); m.ElementOf != "" {
				e.Elements[to] = m.ElementOf
			}
		}
		if one.Named {
			e.Bundles = append(e.Bundles, one)
			continue
		}
		for i, m := range one.Members {
			each := one
			each.Name, each.Members = cmp.Or(m.Destination, m.Template), one.Members[i:i+1]
			e.Bundles = append(e.Bundles, each)
		}
	}
	for i, t := range o.Templates {
		if t.Variable != "" && !o.Dry || listed[i] {
			to := event.Output{Template: t.Name, Destination: t.Destination}
			e.Bundles = append(e.Bundles, event.Bundle{Name: t.Destination, Members: []event.Output{to}, Kept: listed[i], List: listed[i]})
		}
	}
	b.shared.Events(e)
	for _, s := range b.list {
		if !s.kept && o.Plan == nil {
			b.running.Go(func() { s.Run(b.ctx) })
		}
	}
}

// replace has the planned bundles run. Those with an equal spec go on. The others are
// stopped; those that replace them wait for their end.
func (b *bundles) replace(planned []*bundleState, o Options, listed map[int]bool) {
	b.shared.State.Store(&o.State) // those that go on see it with the next offer: all templates are executed
	old := b.list
	b.list = planned
	for i, p := range planned {
		at := slices.IndexFunc(old, func(s *bundleState) bool { return reflect.DeepEqual(s.spec, p.spec) })
		if at >= 0 {
			b.list[i] = old[at]
			b.list[i].templates, b.list[i].kept = p.templates, true
			old = slices.Delete(old, at, at+1)
		}
	}
	for _, s := range old {
		delete(b.byBundle, s.Bundle)
		s.Stop()
	}
	b.ending = append(slices.DeleteFunc(b.ending, func(s *bundleState) bool { return s.Ended() }), old...)
	for _, p := range b.list {
		if p.Bundle != nil {
			continue
		}
		var after []*bundle.Bundle
		for _, s := range b.ending {
			if s.spec.Overlaps(p.spec) {
				after = append(after, s.Bundle)
			}
		}
		b.add(p, after...)
	}
	b.run(o, listed)
}

// settled reports whether the bundles have done what there was to do for the passes up
// to this one.
func (b *bundles) settled(pass int) bool {
	return !slices.ContainsFunc(b.list, func(s *bundleState) bool {
		return s.settled < min(s.offered, pass)
	})
}

// offer gives the bundles the results of executions. The error is that of a variable that
// may not fail.
func (r *Runner) offer(results []templates.Result) error {
	b := &r.bundles
	outputs := make(map[*bundleState]map[int]templates.Result)
	for _, res := range results {
		if r.opts.Templates[res.Template].ForEach != "" {
			if res.Output != nil {
				r.expansion.setList(res.Template, res.Output)
			}
			continue
		}
		if r.opts.Templates[res.Template].Variable != "" {
			refused, err := r.setVariable(res)
			if err != nil {
				return err
			}
			if refused || !r.opts.Dry { // which prints it, too
				continue
			}
		}
		m := b.members[res.Template]
		if r.opts.Plan != nil {
			if res.Output != nil {
				if m.outputs == nil {
					m.outputs = make(map[int]templates.Result)
				}
				m.outputs[m.index] = res
				r.templates.Placed(res.Template)
			}
			continue
		}
		if outputs[m.bundleState] == nil {
			outputs[m.bundleState] = make(map[int]templates.Result)
		}
		outputs[m.bundleState][m.index] = res
	}
	if r.opts.Plan != nil {
		return nil
	}
	b.pass++
	for _, s := range b.list {
		outstanding, notBefore := slices.ContainsFunc(s.templates, r.templates.Outstanding), r.expansion.notBefore(s, r.templates)
		if outputs[s] == nil && outstanding == s.outstanding && notBefore == s.notBefore {
			continue
		}
		s.outstanding, s.notBefore, s.offered = outstanding, notBefore, b.pass
		order := s.templates[0]
		for i := range outputs[s] {
			order = min(order, s.templates[i])
		}
		s.Offer(bundle.Offer{Pass: b.pass, Outputs: outputs[s], Outstanding: outstanding, NotBefore: notBefore}, order)
	}
	return nil
}

// plan calls Options.Plan with what the bundles would do, and returns what that returns,
// with the error that it was given.
func (r *Runner) plan(ctx context.Context) (again time.Duration, err error) {
	texts := make(map[string]string)
	for _, t := range r.opts.Templates {
		texts[t.Destination] = t.Text
	}
	var plans []diff.Plan
	var errs []error
	for _, s := range r.bundles.list {
		plan, err := bundle.Plan(ctx, s.Bundle, s.outputs, texts)
		plans, errs = append(plans, plan), append(errs, err)
	}
	if c := r.opts.Child; c != nil {
		if files := diff.Changing(plans); len(files) > 0 {
			plans = append(plans, diff.Plan{Files: []diff.Planned{}, Runs: []diff.Run{{Step: "exec", Command: strings.Join(c.Args, " "), Files: files}}})
		}
	}
	err = errors.Join(errs...)
	return r.opts.Plan(plans, err), err
}

// named returns the bundle of that name, or else one with a file of that destination,
// nil: none.
func (b *bundles) named(name string) (found *bundle.Bundle) {
	path := group.Path(name)
	for _, s := range b.list {
		switch {
		case s.spec.Policy == group.Together && group.Path(s.spec.Name) == path:
			return s.Bundle
		case s.spec.Policy == group.Each && slices.ContainsFunc(s.spec.Members, func(m Member) bool { return group.Path(m.Destination) == path }):
			found = cmp.Or(found, s.Bundle)
		}
	}
	return found
}
