package consul

import (
	"context"
	"slices"

	"restencil/watch"
	"restencil/watch/consul/fetch"
	"restencil/watch/consul/plan"
	"restencil/watch/schedule"
)

// Watches are what keeps the subscriptions of a source current: the plan in
// action. They belong to the source, whose lock guards them.
type watches struct {
	s        *Source
	singles  map[*subscription]*task
	prefixes map[plan.Extent]*prefixWatch
	services map[plan.Scope]*serviceWatch
	tasks    map[plan.Scope]*task // of the services
	rotation *rotation
	poller   *poller
	witness  *witness
}

// A task is a goroutine, once the source runs.
type task struct {
	run  func(context.Context)
	stop context.CancelFunc // nil: it was not started
}

func newWatches(s *Source) *watches {
	wake := schedule.NewWakeup()
	r := &rotation{wake: wake, readings: make(map[*subscription]*reading)}
	return &watches{
		s:        s,
		singles:  make(map[*subscription]*task),
		prefixes: make(map[plan.Extent]*prefixWatch),
		services: make(map[plan.Scope]*serviceWatch),
		tasks:    make(map[plan.Scope]*task),
		rotation: r,
		poller:   &poller{wake: wake, from: []schedules{r}},
		witness:  newWitness(s),
	}
}

// begin starts all that is there. The source runs.
func (w *watches) begin() {
	readers := w.s.rules.Readers()
	w.s.start(func(ctx context.Context) { w.poller.run(ctx, readers) })
	for _, t := range w.singles {
		w.start(t)
	}
	for _, p := range w.prefixes {
		w.start(&p.task)
	}
	for _, t := range w.tasks {
		w.start(t)
	}
	if w.witness.queries > 0 {
		w.start(&w.witness.task)
	}
	for _, sub := range w.s.subscriptions {
		if sub.place != nil && sub.place.Way == plan.Rotation {
			w.rotate(sub)
		}
	}
}

// start starts a task, if the source runs.
func (w *watches) start(t *task) {
	if w.s.run != nil {
		t.stop = w.s.start(t.run)
	}
}

// end ends a task, if it was started.
func (t *task) end() {
	if t.stop != nil {
		t.stop()
		t.stop = nil
	}
}

// arrange keeps the subscriptions as the plan says. Whatever stays as it is, goes
// on.
func (w *watches) arrange(p *plan.Plan, list []*subscription) {
	moves := make(map[plan.Extent]*move)
	for _, sub := range list {
		at := p.Place(sub.id)
		if sub.place != nil && *sub.place == *at {
			sub.place = at
			continue
		}
		if sub.place != nil {
			w.leave(sub, moves)
		}
		w.enter(sub, at, moves)
	}
	w.move(moves)
	for scope, s := range w.services {
		s.setRoom(p.Room(scope))
	}
}

// A move says who leaves a prefix watch and who joins it.
type move struct {
	left   map[*subscription]bool
	joined []*subscription
}

func moveOf(moves map[plan.Extent]*move, e plan.Extent) *move {
	m := moves[e]
	if m == nil {
		m = &move{left: make(map[*subscription]bool)}
		moves[e] = m
	}
	return m
}

func (w *watches) move(moves map[plan.Extent]*move) {
	for e, m := range moves {
		p := w.prefix(e)
		switch {
		case !p.change(m):
			p.end()
			delete(w.prefixes, e)
		case p.stop == nil:
			w.start(&p.task)
		}
	}
}

// remove ends the watching of sub.
func (w *watches) remove(sub *subscription) {
	moves := make(map[plan.Extent]*move)
	sub.give(nil)
	w.leave(sub, moves)
	w.move(moves)
}

// leave takes sub from its place. Prefix watches hear of that by moves.
func (w *watches) leave(sub *subscription, moves map[plan.Extent]*move) {
	at := sub.place
	sub.place = nil
	switch at.Way {
	case plan.Blocking:
		w.singles[sub].end()
		delete(w.singles, sub)
		w.needWitness(sub, -1)
	case plan.Prefix:
		moveOf(moves, at.Extent).left[sub] = true
	case plan.Discovery:
		w.leaveServices(sub, at.Extent.Scope)
	case plan.Rotation:
		w.rotation.stop(sub)
	}
}

// enter puts sub in its place. Prefix watches hear of that by moves.
func (w *watches) enter(sub *subscription, at *plan.Place, moves map[plan.Extent]*move) {
	sub.place = at
	switch at.Way {
	case plan.Blocking:
		t := &task{run: w.requester(sub).keep}
		w.singles[sub] = t
		w.start(t)
		w.needWitness(sub, 1)
	case plan.Prefix:
		m := moveOf(moves, at.Extent)
		m.joined = append(m.joined, sub)
	case plan.Discovery:
		w.joinServices(sub, at.Extent.Scope)
	case plan.Rotation:
		w.rotate(sub)
	}
}

// needWitness notes that one more query, or one fewer, needs the witness.
func (w *watches) needWitness(sub *subscription, n int) {
	if !plan.NeedsWitness(sub.query().Kind) {
		return
	}
	before := w.witness.queries
	w.witness.queries += n
	switch {
	case w.witness.queries == 0:
		w.witness.end()
	case before == 0:
		w.start(&w.witness.task)
	}
}

// requester returns one for sub alone.
func (w *watches) requester(sub *subscription) *requester {
	kind, _ := fetch.ForKind(sub.query().Kind)
	to := &single{sub: sub}
	sub.give(to)
	return &requester{s: w.s, query: sub.query(), kind: kind, to: to}
}

// rotate has sub read in rotation, if the source runs.
func (w *watches) rotate(sub *subscription) {
	if w.s.run != nil {
		k := w.requester(sub)
		k.once = true
		w.rotation.start(w.s.run, sub, k)
	}
}

// prefix returns the watch of an extent. A new one is not started: it has no
// members yet.
func (w *watches) prefix(e plan.Extent) *prefixWatch {
	p := w.prefixes[e]
	if p == nil {
		p = &prefixWatch{feedback: w.s.feedback, extent: e}
		kind, _ := fetch.ForKind(watch.KVList)
		k := &requester{
			s: w.s, query: scoped(watch.KVList, e.Prefix, e.Scope), kind: kind,
			to: p, most: p.most, shared: true,
		}
		p.run = k.keep
		w.prefixes[e] = p
	}
	return p
}

func (w *watches) joinServices(sub *subscription, scope plan.Scope) {
	s := w.services[scope]
	if s == nil {
		s = newServiceWatch(w.s, scope, w.s.plan.Room(scope))
		w.services[scope] = s
		w.poller.change(func(from []schedules) []schedules { return append(from, s) })
		w.tasks[scope] = &task{run: s.run}
		w.start(w.tasks[scope])
	}
	s.users++
	s.add(sub)
}

func (w *watches) leaveServices(sub *subscription, scope plan.Scope) {
	s := w.services[scope]
	s.remove(sub)
	if s.users--; s.users > 0 {
		return
	}
	w.tasks[scope].end()
	delete(w.tasks, scope)
	delete(w.services, scope)
	w.poller.change(func(from []schedules) []schedules {
		return slices.DeleteFunc(from, func(other schedules) bool { return other == schedules(s) })
	})
}
