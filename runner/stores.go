package runner

import (
	"errors"
	"fmt"
	"time"

	"restencil/runner/event"
	"restencil/watch"
)

// stores knows which stores are away, from the failures of their queries, so
// that an outage of thousands of queries is told once. It is pure; the loop owns
// it.
type stores struct {
	events  func(event.Event)
	failing map[watch.Store]map[watch.Query]bool
	since   map[watch.Store]time.Time
	refused map[watch.Query]string // what was told of a query that its store refuses
}

func newStores(events func(event.Event)) stores {
	return stores{
		events:  events,
		failing: make(map[watch.Store]map[watch.Query]bool),
		since:   make(map[watch.Store]time.Time),
		refused: make(map[watch.Query]string),
	}
}

// note takes the newest failure of q, nil where there is none, and tells what is
// new about its store. A store that refuses q does answer.
func (s *stores) note(q watch.Query, f *watch.Failure, now time.Time) {
	switch {
	case f == nil:
		s.forget(q, now)
	case watch.Classify(f.Err) == watch.Retry || ofAll(f.Err):
		delete(s.refused, q)
		s.fail(q, f, now)
	default:
		s.heal(q, now)
		if text := f.Err.Error(); s.refused[q] != text {
			s.refused[q] = text
			s.events(event.QueryRefused{Query: q, Err: f.Err})
		}
	}
}

// ofAll tells whether an error is no fault of its query, but stops all of the
// store's.
func ofAll(err error) bool {
	var e *watch.Error
	return errors.As(err, &e) && e.All
}

func (s *stores) fail(q watch.Query, f *watch.Failure, now time.Time) {
	store := q.Store()
	if s.failing[store] == nil {
		s.failing[store] = make(map[watch.Query]bool)
	}
	s.failing[store][q] = true
	if s.since[store].IsZero() {
		s.since[store] = now
		s.events(event.StoreAway{Store: store, Err: f.Err})
	}
}

func (s *stores) heal(q watch.Query, now time.Time) {
	store := q.Store()
	if !s.failing[store][q] {
		return
	}
	delete(s.failing[store], q)
	if len(s.failing[store]) == 0 {
		s.events(event.StoreBack{Store: store, Away: now.Sub(s.since[store])})
		delete(s.since, store)
	}
}

// giveUp returns when a store has been away for too long, and the error that says
// so. Zero: none is away, or it may be for ever.
func (s *stores) giveUp(after time.Duration) (at time.Time, err error) {
	if after == 0 {
		return time.Time{}, nil
	}
	for store, since := range s.since {
		if due := since.Add(after); at.IsZero() || due.Before(at) {
			at, err = due, fmt.Errorf("%s has been away since %s (on_store_down)", store, since.Format(time.RFC3339))
		}
	}
	return at, err
}

// forget drops what is known of a query that does not fail, or is no longer
// watched.
func (s *stores) forget(q watch.Query, now time.Time) {
	delete(s.refused, q)
	s.heal(q, now)
}
