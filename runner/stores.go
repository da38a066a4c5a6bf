package runner

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
// answers, until that is told. By then all have failed if the store is away.
const failingAfter = 2 * time.Second

// toldAtOnce bounds how many failing queries are named together.
const toldAtOnce = 5

// stores knows which stores are away, from the failures of their queries, so
// that an outage of thousands of queries is told once.
//
// A store is away when none of its queries has an answer, or when its source says
// that an error concerns all of them; the first answer ends that. A datacenter, a
// peer or a namespace that queries name is away by itself as long as one of those
// fails: that says nothing about the store. It is pure; the loop owns it.
type stores struct {
	events   func(event.Event)
	answered map[watch.Store]map[watch.ID]bool // which queries have an answer, also a refusal
	outages  map[place]*outage
	refused  map[watch.Query]string       // what was told of a query that its store refuses
	pending  schedule.Timers[watch.Query] // failing queries that are not told yet
}

func newStores(events func(event.Event)) stores {
	return stores{
		events:   events,
		answered: make(map[watch.Store]map[watch.ID]bool),
		outages:  make(map[place]*outage),
		refused:  make(map[watch.Query]string),
	}
}

// A place is a store, or a part of it that only some of its queries ask.
type place struct {
	store watch.Store
	part  string // "": the store itself
}

// placeOf returns the place that answers q.
func placeOf(q watch.Query) place {
	p := place{store: q.Store()}
	switch {
	case p.store == watch.Files:
		p.part = q.Name
	case q.Peer != "":
		p.part = "peer " + q.Peer
	case q.Datacenter != "":
		p.part = "datacenter " + q.Datacenter
		if p.store == watch.Nomad {
			p.part = "region " + q.Datacenter
		}
	case q.Namespace != "":
		p.part = "namespace " + q.Namespace
	case q.Partition != "":
		p.part = "partition " + q.Partition
	}
	return p
}

// An outage is what is known of a place that fails queries.
type outage struct {
	failing map[watch.Query]error
	told    map[watch.Query]bool // those of failing that were told by themselves
	began   time.Time            // when the first of failing failed
	away    bool                 // that was told
}

// note takes the newest failure of q, nil where there is none, and tells what is
// new about its store. A store that refuses q does answer.
func (s *stores) note(q watch.Query, f *watch.Failure, now time.Time) {
	p := placeOf(q)
	if s.answered[p.store] == nil {
		s.answered[p.store] = make(map[watch.ID]bool)
	}
	switch {
	case f == nil:
		delete(s.refused, q)
		s.answer(p, q, now)
	case concernsAll(f.Err):
		p.part = ""
		s.fail(p, q, f.Err, true, now)
	case watch.Classify(f.Err) == watch.Retry:
		s.fail(p, q, f.Err, false, now)
	default:
		s.answer(p, q, now)
		if text := f.Err.Error(); s.refused[q] != text {
			s.refused[q] = text
			s.events(event.QueryRefused{Query: q, Err: f.Err})
		}
	}
}

// concernsAll tells whether an error is no fault of its query, but stops all of
// the store's.
func concernsAll(err error) bool {
	var e *watch.Error
	return errors.As(err, &e) && e.All
}

// fail notes that q has no answer from p. all tells that no other has, either.
func (s *stores) fail(p place, q watch.Query, err error, all bool, now time.Time) {
	delete(s.refused, q)
	delete(s.answered[p.store], q.ID())
	o := s.outages[p]
	if o == nil {
		o = &outage{failing: make(map[watch.Query]error), told: make(map[watch.Query]bool), began: now}
		s.outages[p] = o
	}
	first := o.failing[q] == nil
	o.failing[q] = err
	switch {
	case !first:
	case p.store == watch.Files: // each file is by itself
		o.told[q] = true
		s.events(event.QueryFailing{Query: q, Err: err})
	default:
		s.pending.Set(q, now.Add(failingAfter))
	}
	others := p.part == "" && !all && len(s.answered[p.store]) > 0
	if !o.away && !others && p.store != watch.Files {
		o.away = true
		s.events(event.StoreAway{Store: p.store, Part: p.part, Err: err})
	}
}

// answer notes that q has an answer from p.
func (s *stores) answer(p place, q watch.Query, now time.Time) {
	if s.answered[p.store] == nil {
		s.answered[p.store] = make(map[watch.ID]bool)
	}
	s.answered[p.store][q.ID()] = true
	s.end(p, q, now)
	if whole := (place{store: p.store}); whole != p {
		s.end(whole, q, now)
	}
}

// end notes that p does not fail q any more. Queries that a store fails still when
// it is back are told by themselves.
func (s *stores) end(p place, q watch.Query, now time.Time) {
	o := s.outages[p]
	if o == nil || o.failing[q] == nil {
		return
	}
	if o.told[q] {
		s.events(event.QueryAnswered{Query: q})
	}
	delete(o.failing, q)
	delete(o.told, q)
	s.pending.Remove(q)
	if o.away && (p.part == "" || len(o.failing) == 0) {
		o.away = false
		s.events(event.StoreBack{Store: p.store, Part: p.part, Away: now.Sub(o.began)})
		for other := range o.failing {
			s.pending.Set(other, now.Add(failingAfter))
		}
	}
	if len(o.failing) == 0 {
		delete(s.outages, p)
	}
}

// report tells of the queries that fail by now while their stores answer others.
func (s *stores) report(now time.Time) {
	var failing []event.QueryFailing
	due := s.pending.PopAll(now)
	slices.SortFunc(due, func(a, b watch.Query) int { return cmp.Compare(a.String(), b.String()) })
	for _, q := range due {
		for _, p := range []place{placeOf(q), {store: q.Store()}} {
			o := s.outages[p]
			if o == nil || o.failing[q] == nil || o.away || o.told[q] {
				continue
			}
			o.told[q] = true
			failing = append(failing, event.QueryFailing{Query: q, Err: o.failing[q]})
		}
	}
	if more := len(failing) - toldAtOnce; more > 0 {
		failing = failing[:toldAtOnce]
		failing[toldAtOnce-1].More = more
	}
	for _, e := range failing {
		s.events(e)
	}
}

// next is when report has something to tell, zero: not by itself.
func (s *stores) next() time.Time { return s.pending.Next() }

// giveUp returns when Run is to end because a store has been away for so long,
// and the error that ends it then: nil where that is not to be.
func (s *stores) giveUp(most time.Duration) (at time.Time, err error) {
	if most <= 0 {
		return time.Time{}, nil
	}
	for p, o := range s.outages {
		if p.part == "" && o.away && (at.IsZero() || o.began.Add(most).Before(at)) {
			at = o.began.Add(most)
			err = fmt.Errorf("%s has been away since %s (on_store_down)", p.store, o.began.Format(time.RFC3339))
		}
	}
	return at, err
}

// forget drops what is known of a query that is no longer watched. An outage ends
// with the last query that met it.
func (s *stores) forget(q watch.Query, now time.Time) {
	delete(s.refused, q)
	delete(s.answered[q.Store()], q.ID())
	for _, p := range []place{placeOf(q), {store: q.Store()}} {
		o := s.outages[p]
		if o == nil || o.failing[q] == nil {
			continue
		}
		if len(o.failing) == 1 {
			s.end(p, q, now)
			continue
		}
		delete(o.failing, q)
		delete(o.told, q)
		s.pending.Remove(q)
	}
}
