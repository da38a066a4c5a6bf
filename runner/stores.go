package runner

import (
	"errors"
	"fmt"
	"time"

	"restencil/runner/event"
	"restencil/watch"
)

// stores knows which stores are away, from the failures of their queries, so
// that an outage of thousands of queries is told once. The zero value is
// ready. It is pure; the loop owns it.
type stores struct {
	failing map[watch.Store]map[watch.Query]bool
	since   map[watch.Store]time.Time
	refused map[watch.Query]string // what was told of a query that its store refuses
}

// note takes the newest failure of q, nil where there is none, and returns
// what is to be told of it. A store that refuses q does answer.
func (s *stores) note(q watch.Query, f *watch.Failure, now time.Time) []event.Event {
	if s.failing == nil {
		s.failing = make(map[watch.Store]map[watch.Query]bool)
		s.since = make(map[watch.Store]time.Time)
		s.refused = make(map[watch.Query]string)
	}
	var news []event.Event
	add := func(e event.Event) {
		if e != nil {
			news = append(news, e)
		}
	}
	switch {
	case f == nil:
		delete(s.refused, q)
		add(s.heal(q, now))
	case watch.Classify(f.Err) == watch.Retry || ofAll(f.Err):
		delete(s.refused, q)
		add(s.fail(q, f, now))
	default:
		add(s.heal(q, now))
		add(s.refuse(q, f))
	}
	return news
}

// ofAll tells whether an error is no fault of its query, but stops all of the
// store's.
func ofAll(err error) bool {
	var e *watch.Error
	return errors.As(err, &e) && e.All
}

func (s *stores) refuse(q watch.Query, f *watch.Failure) event.Event {
	if text := f.Err.Error(); s.refused[q] != text {
		s.refused[q] = text
		return event.QueryRefused{Query: q, Err: f.Err}
	}
	return nil
}

func (s *stores) fail(q watch.Query, f *watch.Failure, now time.Time) event.Event {
	store := q.Store()
	if s.failing[store] == nil {
		s.failing[store] = make(map[watch.Query]bool)
	}
	s.failing[store][q] = true
	if _, away := s.since[store]; away {
		return nil
	}
	s.since[store] = now
	return event.StoreAway{Store: store, Err: f.Err}
}

func (s *stores) heal(q watch.Query, now time.Time) event.Event {
	store := q.Store()
	if !s.failing[store][q] {
		return nil
	}
	delete(s.failing[store], q)
	if len(s.failing[store]) > 0 {
		return nil
	}
	since := s.since[store]
	delete(s.since, store)
	return event.StoreBack{Store: store, Away: now.Sub(since)}
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

// forget drops what is known of a query that is no longer watched.
func (s *stores) forget(q watch.Query, now time.Time) event.Event {
	delete(s.refused, q)
	return s.heal(q, now)
}
