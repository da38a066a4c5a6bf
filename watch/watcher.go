package watch

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"sync"
	"time"
)

// A Watcher keeps the newest state of each watched query, from any store.
//
// Watch and Unwatch are for one goroutine, the other methods for any. It owns
// its sources: Run runs them and returns when they have ended.
type Watcher struct {
	sources map[Store]Source
	changed chan struct{} // capacity 1: "look again"

	mu      sync.Mutex
	entries map[ID]*entry
	fresh   []*entry // entries with news since the last Take, each once
}

// An entry is the Sink of one watched query.
type entry struct {
	w  *Watcher
	id ID

	// Guarded by w.mu.
	state State
	news  bool // it stands in w.fresh
	gone  bool // it was unwatched; what still arrives is dropped
}

// New returns a Watcher that puts each query to its store's source. It starts
// nothing; see Run.
func New(sources map[Store]Source) *Watcher {
	return &Watcher{
		sources: maps.Clone(sources),
		changed: make(chan struct{}, 1),
		entries: make(map[ID]*entry),
	}
}

// Run runs the sources until ctx ends and they have all returned.
func (w *Watcher) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, s := range w.sources {
		wg.Go(func() { s.Run(ctx) })
	}
	wg.Wait()
}

// ErrNotConfigured says that a query is for a store that nobody set up.
var ErrNotConfigured = errors.New("not configured")

// Serves tells whether queries to store are answered by some source.
func (w *Watcher) Serves(store Store) bool {
	_, ok := w.sources[store]
	return ok
}

// Watch begins to keep queries current; those that are watched already stay
// as they are. A query to a store without a source fails with
// ErrNotConfigured and has no answer. A source that is a Batcher hears of all
// its queries in one call.
func (w *Watcher) Watch(queries ...Query) {
	for store, added := range w.add(queries) {
		w.start(store, added)
	}
}

// add makes the entries of those queries that have none.
func (w *Watcher) add(queries []Query) map[Store][]Subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.entries) == 0 {
		w.entries = make(map[ID]*entry, len(queries))
	}
	added := make(map[Store][]Subscription)
	for i, q := range queries {
		id := q.ID()
		if w.entries[id] != nil {
			continue
		}
		e := &entry{w: w, id: id}
		w.entries[id] = e
		list, ok := added[q.Store()]
		if !ok {
			list = make([]Subscription, 0, len(queries)-i)
		}
		added[q.Store()] = append(list, Subscription{q, e})
	}
	return added
}

// start hands entries to their source, without the lock: the source may answer
// at once.
func (w *Watcher) start(store Store, added []Subscription) {
	source := w.sources[store]
	if b, ok := source.(Batcher); ok {
		b.WatchAll(added)
		return
	}
	for _, s := range added {
		if source == nil {
			s.Sink.Fail(&Error{Query: s.Query, Class: Invalid, Err: ErrNotConfigured})
		} else {
			source.Watch(s.Query, s.Sink)
		}
	}
}

// Unwatch ends the watching of queries and forgets their answers. A source
// that is a Batcher hears of all its queries in one call.
func (w *Watcher) Unwatch(queries ...Query) {
	for store, removed := range w.remove(queries) {
		switch source := w.sources[store].(type) {
		case nil:
		case Batcher:
			source.UnwatchAll(removed)
		default:
			for _, q := range removed {
				source.Unwatch(q)
			}
		}
	}
}

// remove forgets the entries of those queries that have one.
func (w *Watcher) remove(queries []Query) map[Store][]Query {
	w.mu.Lock()
	defer w.mu.Unlock()
	removed := make(map[Store][]Query)
	for _, q := range queries {
		id := q.ID()
		if e := w.entries[id]; e != nil {
			e.gone = true
			delete(w.entries, id)
			removed[q.Store()] = append(removed[q.Store()], q)
		}
	}
	return removed
}

// Changed is a channel that receives when Take has something to give. It has
// room for one wake-up, which stands for any number of changes.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

// Take returns the newest state of every query whose state has changed since
// the last Take, each once. States between the two are skipped.
func (w *Watcher) Take() []Update {
	w.mu.Lock()
	defer w.mu.Unlock()
	updates := make([]Update, 0, len(w.fresh))
	for _, e := range w.fresh {
		e.news = false
		if !e.gone {
			updates = append(updates, Update{Query: e.id.Value(), State: e.state})
		}
	}
	clear(w.fresh)
	w.fresh = w.fresh[:0]
	return updates
}

// Publish implements Sink. It drops answers that say what is known already,
// unless a failure ends with them.
func (e *entry) Publish(a Answer) {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	old := e.state
	change := substance
	if old.Known {
		change = differ(old.Answer.Data, a.Data)
	}
	if change == none {
		a.Data = old.Answer.Data // what templates hold stays one value
	}
	a.Last = a.Data
	if isNil(a.Data) {
		a.Last = old.Answer.Last
	}
	e.state = State{Answer: a, Known: true, Version: old.Version, Core: old.Core}
	if change != none {
		e.state.Version++
	}
	if change == substance {
		e.state.Core++
	}
	if change != none || old.Failure != nil {
		e.tell()
	}
}

// isNil tells whether data says that there is no such thing.
func isNil(data any) bool {
	data = Reveal(data)
	if data == nil {
		return true
	}
	v := reflect.ValueOf(data)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// Fail implements Sink.
func (e *entry) Fail(err error) {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	f := &Failure{Err: err, Since: time.Now(), Attempts: 1}
	if old := e.state.Failure; old != nil {
		f.Since, f.Attempts = old.Since, old.Attempts+1
	}
	e.state.Failure = f
	e.tell()
}

// tell notes that e has news and wakes the reader. The caller holds the lock.
func (e *entry) tell() {
	if e.gone || e.news {
		return
	}
	e.news = true
	e.w.fresh = append(e.w.fresh, e)
	select {
	case e.w.changed <- struct{}{}:
	default:
	}
}
