package consul

import (
	"context"

	"restencil/watch"
	"restencil/watch/consul/plan"
)

// Feeds are what keeps the jobs of a source current: the plan in action. They
// belong to the source, whose lock guards them.
type feeds struct {
	s        *Source
	singles  map[*job]*feed
	readings map[*job]*reading
	spreads  map[plan.Extent]*spreadFeed
	bells    map[plan.Scope]*bellsFeed
	rota     *rota
}

// A feed is keepers with a goroutine each.
type feed struct {
	keepers []*keeper
	cancel  []context.CancelFunc // as long as they run
}

type spreadFeed struct {
	feed
	spread *spread
}

type bellsFeed struct {
	feed
	bells *bells
	users int
}

func newFeeds(s *Source) feeds {
	return feeds{
		s:        s,
		singles:  make(map[*job]*feed),
		readings: make(map[*job]*reading),
		spreads:  make(map[plan.Extent]*spreadFeed),
		bells:    make(map[plan.Scope]*bellsFeed),
		rota:     newRota(),
	}
}

// begin starts all that is there. The source runs.
func (f *feeds) begin() {
	readers := f.s.rules.Readers()
	f.s.start(func(ctx context.Context) { f.rota.run(ctx, readers) })
	for _, one := range f.singles {
		f.launch(one)
	}
	for _, sp := range f.spreads {
		f.launch(&sp.feed)
	}
	for _, b := range f.bells {
		f.launch(&b.feed)
	}
	for _, e := range f.readings {
		f.enlist(e)
	}
}

// launch starts the keepers of a feed, if the source runs.
func (f *feeds) launch(one *feed) {
	if f.s.run == nil {
		return
	}
	for _, k := range one.keepers {
		one.cancel = append(one.cancel, f.s.start(k.keep))
	}
}

func (one *feed) stop() {
	for _, cancel := range one.cancel {
		cancel()
	}
}

// enlist has e read, if the source runs.
func (f *feeds) enlist(e *reading) {
	if f.s.run == nil {
		return
	}
	e.ctx, e.cancel = context.WithCancel(f.s.run)
	f.rota.add(e)
}

// arrange keeps the jobs as the plan says. Whatever stays as it is, goes on.
func (f *feeds) arrange(p *plan.Plan, jobs []*job) {
	moves := make(map[plan.Extent]*move)
	for _, j := range jobs {
		at := p.Place(j.id)
		if j.place != nil && *j.place == *at {
			j.place = at
			continue
		}
		if j.place != nil {
			f.leave(j, moves)
		}
		f.enter(j, at, moves)
	}
	f.move(moves)
}

// A move says who leaves a spread and who joins it.
type move struct {
	left   map[*job]bool
	joined []*job
}

func moveOf(moves map[plan.Extent]*move, e plan.Extent) *move {
	m := moves[e]
	if m == nil {
		m = &move{left: make(map[*job]bool)}
		moves[e] = m
	}
	return m
}

func (f *feeds) move(moves map[plan.Extent]*move) {
	for e, m := range moves {
		sp := f.spread(e)
		sp.spread.change(m)
		switch {
		case sp.spread.empty():
			sp.stop()
			delete(f.spreads, e)
		case sp.cancel == nil:
			f.launch(&sp.feed)
		}
	}
}

// remove ends the keeping of j.
func (f *feeds) remove(j *job) {
	moves := make(map[plan.Extent]*move)
	j.give(nil)
	f.leave(j, moves)
	f.move(moves)
}

// leave takes j from its place. Spreads hear of that by moves.
func (f *feeds) leave(j *job, moves map[plan.Extent]*move) {
	at := j.place
	j.place = nil
	switch at.Way {
	case plan.Blocking:
		f.singles[j].stop()
		delete(f.singles, j)
	case plan.Prefix:
		moveOf(moves, at.Extent).left[j] = true
	case plan.Bells:
		f.strike(j)
		b := f.bells[at.Extent.Scope]
		if b.users--; b.users == 0 {
			b.stop()
			delete(f.bells, at.Extent.Scope)
		}
	case plan.Rotation:
		f.strike(j)
	}
}

// strike ends the reading of j.
func (f *feeds) strike(j *job) {
	e := f.readings[j]
	delete(f.readings, j)
	if e.ctx != nil {
		f.rota.remove(e)
	}
}

// enter puts j in its place. Spreads hear of that by moves.
func (f *feeds) enter(j *job, at *plan.Place, moves map[plan.Extent]*move) {
	j.place = at
	switch at.Way {
	case plan.Blocking:
		one := &feed{keepers: []*keeper{f.keeper(j)}}
		f.singles[j] = one
		f.launch(one)
	case plan.Prefix:
		m := moveOf(moves, at.Extent)
		m.joined = append(m.joined, j)
	case plan.Bells:
		b := f.ringers(at.Extent.Scope)
		b.users++
		f.read(j, b.bells)
	case plan.Rotation:
		f.read(j, nil)
	}
}

// keeper returns one for j alone.
func (f *feeds) keeper(j *job) *keeper {
	kind, _ := kindOf(j.query().Kind)
	to := &single{job: j}
	j.give(to)
	return &keeper{s: f.s, query: j.query(), kind: kind, to: to}
}

func (f *feeds) read(j *job, b *bells) {
	e := &reading{keeper: f.keeper(j), bells: b}
	e.keeper.once = true
	f.readings[j] = e
	f.enlist(e)
}

// spread returns the spread of an extent. A new one is not launched: it has no
// members yet.
func (f *feeds) spread(e plan.Extent) *spreadFeed {
	sp := f.spreads[e]
	if sp == nil {
		sp = &spreadFeed{spread: &spread{lessons: f.s.lessons, extent: e}}
		kind, _ := kindOf(watch.KVList)
		sp.keepers = []*keeper{{
			s: f.s, query: scoped(watch.KVList, e.Prefix, e.Scope), kind: kind,
			to: sp.spread, most: sp.spread.most, shared: true,
		}}
		f.spreads[e] = sp
	}
	return sp
}

// ringers returns the bells of a scope, new ones if need be.
func (f *feeds) ringers(scope plan.Scope) *bellsFeed {
	b := f.bells[scope]
	if b == nil {
		b = &bellsFeed{bells: &bells{scope: scope, rota: f.rota}}
		b.keepers = b.bells.keepers(f.s)
		f.bells[scope] = b
		f.launch(&b.feed)
	}
	return b
}
