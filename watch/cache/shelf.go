package cache

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"restencil/watch"
)

// seldom is how often it is noted that a query is used still, though its
// answer has not changed.
const seldom = 24 * time.Hour

// A shelf holds the answers. Its methods are for any goroutine, but put and
// tidy, which have to do with the file, for one at a time.
type shelf struct {
	types map[watch.Kind]reflect.Type
	o     Options

	mu      sync.Mutex
	items   map[watch.Query]*item
	watched map[watch.Query]*tap
	changed bool // something is not in the file yet
}

// An item is the last answer to a query: newest, or where that is nil, what the
// record holds.
type item struct {
	record record // as it is in the file or goes there; its Answer is nil at first
	newest *watch.Answer
}

func newShelf(o Options) *shelf {
	return &shelf{
		types:   kept(),
		o:       o,
		items:   make(map[watch.Query]*item),
		watched: make(map[watch.Query]*tap),
	}
}

// watch notes who is told of the answers to which query.
func (s *shelf) watch(taps []*tap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range taps {
		s.watched[t.query] = t
	}
}

func (s *shelf) unwatch(queries []watch.Query) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range queries {
		delete(s.watched, q)
	}
}

// learn notes what t was told.
func (s *shelf) learn(t *tap, a watch.Answer, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.told = true
	if s.watched[t.query] != t || s.types[t.query.Kind] == nil {
		return
	}
	i := s.items[t.query]
	if i == nil {
		i = &item{record: record{Query: t.query, Used: now.Unix()}}
		s.items[t.query] = i
	}
	i.newest = &a
}

// recall returns what t is to be told where its query fails; ok is false where
// it has been told something, or nothing is known.
func (s *shelf) recall(t *tap) (a watch.Answer, ok bool) {
	i, ok := s.take(t)
	if !ok {
		return watch.Answer{}, false
	}
	if i.newest != nil {
		return *i.newest, true
	}
	r := i.record
	data, err := decodeAnswer(r.Answer, s.types[t.query.Kind])
	if err != nil {
		s.o.Problem(fmt.Errorf("the answer to %s in the cache is not used: %w", t.query, err))
		return watch.Answer{}, false
	}
	return watch.Answer{Data: data, Index: r.Index, Time: r.Time}, true
}

// take returns the item for t, if t needs it.
func (s *shelf) take(t *tap) (item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.items[t.query]
	if t.told || i == nil {
		return item{}, false
	}
	t.told = true
	return *i, true
}

// put takes records that have been read from the file.
func (s *shelf) put(records []record, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		if s.types[r.Query.Kind] != nil && !s.outdated(r, now) {
			s.items[r.Query] = &item{record: r}
		}
	}
}

func (s *shelf) outdated(r record, now time.Time) bool {
	return now.Sub(time.Unix(r.Used, 0)) > s.o.Unused
}

// tidy brings the records up to date, and returns those that belong in the
// file, what was used last first; nil where the file has them.
func (s *shelf) tidy(now time.Time) []record {
	s.renew()
	s.mu.Lock()
	defer s.mu.Unlock()
	for q, i := range s.items {
		if s.watched[q] == nil {
			if s.outdated(i.record, now) {
				delete(s.items, q)
				s.changed = true
			}
		} else if now.Sub(time.Unix(i.record.Used, 0)).Abs() > seldom {
			i.record.Used, s.changed = now.Unix(), true
		}
	}
	if !s.changed {
		return nil
	}
	s.changed = false
	return s.choose()
}

// renew puts the newest answers in their records. That may take some time, in
// which sinks are not kept waiting.
func (s *shelf) renew() {
	for _, a := range s.news() {
		b, ok := encodeAnswer(a.newest.Data, s.types[a.record.Query.Kind])
		s.renewOne(a, b, ok)
	}
}

// news returns the items that have a newest answer.
func (s *shelf) news() []item {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []item
	for _, i := range s.items {
		if i.newest != nil {
			list = append(list, *i)
		}
	}
	return list
}

// renewOne gives an item the bytes of the newest answer that it had in old;
// where that cannot be kept (ok is false), there is no such item.
func (s *shelf) renewOne(old item, b []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.items[old.record.Query]
	if i.newest == old.newest {
		i.newest = nil
	}
	if !ok {
		delete(s.items, old.record.Query)
		s.changed = true
		return
	}
	if !slices.Equal(b, i.record.Answer) {
		i.record.Answer, s.changed = b, true
	}
	i.record.Index, i.record.Time = old.newest.Index, old.newest.Time
}

// choose returns the records for which there is room. What has none is
// forgotten, unless it is in use.
func (s *shelf) choose() []record {
	all := make([]record, 0, len(s.items))
	for _, i := range s.items {
		if i.record.Answer != nil {
			all = append(all, i.record)
		}
	}
	slices.SortFunc(all, func(a, b record) int {
		return cmp.Or(cmp.Compare(b.Used, a.Used), cmp.Compare(a.Query.String(), b.Query.String()))
	})
	room := s.o.Size
	return slices.DeleteFunc(all, func(r record) bool {
		if r.size() <= room {
			room -= r.size()
			return false
		}
		if s.watched[r.Query] == nil {
			delete(s.items, r.Query)
		}
		return true
	})
}

// unwritten notes that what tidy returned is not in the file after all.
func (s *shelf) unwritten() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = true
}
