package consul

import (
	"context"
	"slices"

	"restencil/watch/consul/plan"
	"restencil/watch/consul/requester"
	"restencil/watch/schedule"
)

// Watches are what keeps the subscriptions of a source current while it runs: the
// plan in action. They belong to the source, whose lock guards them.
type watches struct {
	s        *Source
	prefixes map[plan.Extent]*prefixWatch
	services map[plan.Scope]*serviceWatch
	rotation *rotation
	poller   *poller
	witness  context.CancelFunc // nil: none asks
}

func newWatches(s *Source) *watches {
	wake := schedule.NewWakeup()
	r := &rotation{wake: wake}
	return &watches{
		s:        s,
		prefixes: make(map[plan.Extent]*prefixWatch),
		services: make(map[plan.Scope]*serviceWatch),
		rotation: r,
		poller:   &poller{wake: wake, from: []schedules{r}},
	}
}

// arrange keeps the subscriptions as the plan says, which for those that are not in
// it is not at all. Whatever stays as it is, goes on. Unless the source runs, it does
// nothing.
func (w *watches) arrange(list []*subscription) {
	if w.s.run == nil {
		return
	}
	p := w.s.plan
	for _, sub := range list {
		at := p.Place(sub.id)
		if sub.place == nil || at == nil || *sub.place != *at {
			w.leave(sub)
			w.enter(sub, at)
		}
		sub.place = at
	}
	for e, prefix := range w.prefixes {
		switch used := prefix.change(); {
		case !used:
			prefix.stop()
			delete(w.prefixes, e)
		case prefix.stop == nil:
			prefix.stop = w.s.start(prefix.requester.Keep)
		}
	}
	for scope, s := range w.services {
		s.setRoom(p.Room(scope))
	}
	switch needed := p.NeedsWitness(); {
	case needed && w.witness == nil:
		w.witness = w.s.start(w.s.agent.Witness)
	case !needed && w.witness != nil:
		w.witness()
		w.witness = nil
	}
}

// leave takes sub from its place, if it has one.
func (w *watches) leave(sub *subscription) {
	if sub.place == nil {
		return
	}
	sub.give(nil)
	switch e := sub.place.Extent; sub.place.Way {
	case plan.Blocking, plan.Rotation:
		sub.stop()
	case plan.Prefix:
		w.prefixes[e].left = true
	case plan.Discovery:
		s := w.services[e.Scope]
		if s.remove(sub) == 0 {
			s.stop()
			delete(w.services, e.Scope)
			w.poller.change(func(from []schedules) []schedules {
				return slices.DeleteFunc(from, func(other schedules) bool { return other == schedules(s) })
			})
		}
	}
}

// enter puts sub in its place, if it has one.
func (w *watches) enter(sub *subscription, at *plan.Place) {
	if at == nil {
		return
	}
	switch at.Way {
	case plan.Blocking:
		k := w.requester(sub)
		k.Witnessed = plan.NeedsWitness(k.Query.Kind)
		sub.stop = w.s.start(k.Keep)
	case plan.Prefix:
		p := w.prefixes[at.Extent]
		if p == nil {
			p = newPrefixWatch(w.s, at.Extent)
			w.prefixes[at.Extent] = p
		}
		p.joined = append(p.joined, sub)
	case plan.Discovery:
		s := w.services[at.Extent.Scope]
		if s == nil {
			s = newServiceWatch(w.s, at.Extent.Scope)
			w.services[at.Extent.Scope] = s
			w.poller.change(func(from []schedules) []schedules { return append(from, s) })
		}
		s.add(sub)
	case plan.Rotation:
		k := w.requester(sub)
		k.Once = true
		sub.stop = w.rotation.start(w.s.run, k)
	}
}

// requester returns one for sub alone.
func (w *watches) requester(sub *subscription) *requester.Requester {
	kind, _ := w.s.agent.Client.ForKind(sub.query().Kind)
	to := &single{sub: sub}
	sub.give(to)
	return &requester.Requester{Agent: w.s.agent, Query: sub.query(), Kind: kind, To: to, Awaits: to.awaits}
}
