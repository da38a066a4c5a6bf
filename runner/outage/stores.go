// Package outage finds out from the failures of queries which stores are away, and which
// queries fail by themselves. It is pure: it starts no goroutine and reads no clock.
package outage

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"restencil/runner/event"
	"restencil/watch"
	"restencil/watch/schedule"
)

// failingAfter is how long a query may fail, while others of its store have
// answers, until that is reported. By then all have failed if the store is away.
const failingAfter = 2 * time.Second

const maxFailing = 5 // how many failing queries are reported at once

// Stores has the states of the stores, made from the failures of their queries. An
// outage of thousands of queries is reported once.
//
// A store is away when none of its queries has an answer, or when its source says
// that an error concerns all of them; the first answer ends that. A datacenter, a
// peer or a namespace that queries name is away by itself as long as one of those
// fails: that says nothing about the store.
type Stores struct {
	// Local is the data file that stands in for Consul, which events and errors name in
	// its place. Empty: Consul itself answers.
	Local string

	events   func(event.Event)
	answered map[watch.Store]map[watch.ID]bool // which queries have an answer, also a refusal
	outages  map[place]*outage
	refused  map[watch.ID]string       // the last error of a query that its store refuses
	pending  schedule.Timers[watch.ID] // failing queries that have not been reported
}

// New returns the states of stores that no query has asked yet.
func New(events func(event.Event)) *Stores {
	return &Stores{
		events:   events,
		answered: make(map[watch.Store]map[watch.ID]bool),
		outages:  make(map[place]*outage),
		refused:  make(map[watch.ID]string),
	}
}

// A place is a store, or a part of it that only some of its queries name.
type place struct {
	store watch.Store
	part  string // "": the store itself
}

// placeOf returns the place that answers q.
func placeOf(q watch.Query) place {
	if q.Store() == watch.Files {
		return place{q.Store(), q.Name}
	}
	return place{q.Store(), q.Part()}
}

// An outage is that of a place that fails queries.
type outage struct {
	failing map[watch.ID]*failing
	began   time.Time // when the first of failing failed
	away    bool      // as was reported
}

// A failing is a query that fails.
type failing struct {
	err      error
	reported bool // by itself
}

// Update takes the newest failure of a query, nil: none, and reports what is new about
// its store. A store that refuses a query does answer.
func (s *Stores) Update(id watch.ID, f *watch.Failure, now time.Time) {
	p := placeOf(id.Value())
	if s.answered[p.store] == nil {
		s.answered[p.store] = make(map[watch.ID]bool)
	}
	if f != nil {
		e, ok := errors.AsType[*watch.Error](f.Err)
		all := ok && e.All // it is no fault of q
		if all {
			p.part = ""
		}
		if all || watch.Classify(f.Err) == watch.Retry {
			s.fail(p, id, f.Err, all, now)
			return
		}
	}
	s.answered[p.store][id] = true
	s.end(p, id, true, now)
	s.end(place{store: p.store}, id, true, now)
	if f == nil {
		delete(s.refused, id)
	} else if text := f.Err.Error(); s.refused[id] != text {
		s.refused[id] = text
		s.events(event.QueryRefused{Query: id.Value(), Err: f.Err})
	}
}

// name returns the name of a store in events.
func (s *Stores) name(store watch.Store) watch.Store {
	if store == watch.Consul && s.Local != "" {
		return watch.Store(s.Local)
	}
	return store
}

// fail records that a query has no answer from p. With all no other has, either.
func (s *Stores) fail(p place, id watch.ID, err error, all bool, now time.Time) {
	delete(s.refused, id)
	delete(s.answered[p.store], id)
	o := s.outages[p]
	if o == nil {
		o = &outage{failing: make(map[watch.ID]*failing), began: now}
		s.outages[p] = o
	}
	switch known := o.failing[id]; {
	case known != nil:
		known.err = err
	case p.store == watch.Files: // each file is by itself
		o.failing[id] = &failing{err: err, reported: true}
		s.events(event.QueryFailing{Query: id.Value(), Err: err})
	default:
		o.failing[id] = &failing{err: err}
		s.pending.Set(id, now.Add(failingAfter))
	}
	others := p.part == "" && !all && len(s.answered[p.store]) > 0
	if !o.away && !others && p.store != watch.Files {
		o.away = true
		s.events(event.StoreAway{Store: s.name(p.store), Part: p.part, Err: err})
	}
}

// end records that p does not fail a query any more, since it has answered, or the
// query is not watched. Queries that still fail when a store is back are reported by
// themselves.
func (s *Stores) end(p place, id watch.ID, answered bool, now time.Time) {
	o := s.outages[p]
	if o == nil || o.failing[id] == nil {
		return
	}
	if o.failing[id].reported && answered {
		s.events(event.QueryAnswered{Query: id.Value()})
	}
	delete(o.failing, id)
	s.pending.Remove(id)
	if o.away && (answered && p.part == "" || len(o.failing) == 0) {
		o.away = false
		s.events(event.StoreBack{Store: s.name(p.store), Part: p.part, Away: now.Sub(o.began), Unasked: !answered})
		for other := range o.failing {
			s.pending.Set(other, now.Add(failingAfter))
		}
	}
	if len(o.failing) == 0 {
		delete(s.outages, p)
	}
}

// Report reports the queries that have failed for long while their stores answer others.
func (s *Stores) Report(now time.Time) {
	var events []event.QueryFailing
	due := s.pending.PopAll(now)
	slices.SortFunc(due, func(a, b watch.ID) int { return cmp.Compare(a.Value().String(), b.Value().String()) })
	for _, id := range due {
		q := id.Value()
		for _, p := range []place{placeOf(q), {store: q.Store()}} {
			o := s.outages[p]
			if o == nil || o.failing[id] == nil || o.away || o.failing[id].reported {
				continue
			}
			o.failing[id].reported = true
			events = append(events, event.QueryFailing{Query: q, Err: o.failing[id].err})
		}
	}
	if more := len(events) - maxFailing; more > 0 {
		events = events[:maxFailing]
		events[maxFailing-1].More = more
	}
	for _, e := range events {
		s.events(e)
	}
}

// GiveUp returns when Run is to end because a store has been away for so long, and
// with which error, nil: it is not to end.
func (s *Stores) GiveUp(most time.Duration) (at time.Time, err error) {
	if most <= 0 {
		return time.Time{}, nil
	}
	for p, o := range s.outages {
		if p.part == "" && o.away && (at.IsZero() || o.began.Add(most).Before(at)) {
			at = o.began.Add(most)
			err = fmt.Errorf("%s: no answers since %s (on_store_down)", s.name(p.store), o.began.Format(time.RFC3339))
		}
	}
	return at, err
}

// Forget removes a query that is no longer watched. An outage ends with the last query
// that fails.
func (s *Stores) Forget(id watch.ID, now time.Time) {
	q := id.Value()
	delete(s.refused, id)
	delete(s.answered[q.Store()], id)
	s.end(placeOf(q), id, false, now)
	s.end(place{store: q.Store()}, id, false, now)
}

// Next returns when Report has something to report, zero: never.
func (s *Stores) Next() time.Time { return s.pending.Next() }
