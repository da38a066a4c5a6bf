package watch

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"
)

// A Watcher keeps the newest state of each watched query, from any store.
//
// Watch and Unwatch are for one goroutine, the other methods for any. It owns
// its sources: Run runs them and returns when they have ended.
type Watcher struct {
	changed chan struct{} // capacity 1: "look again"

	// asking is held while sources are told of queries, which they may answer
	// at once, and while they are replaced. It comes before mu.
	asking sync.Mutex
	ctx    context.Context // of Run; nil while that is not under way. Guarded by asking
	group  sync.WaitGroup  // of all that Run has to wait for

	mu      sync.Mutex
	sources map[Store]*running // changed with both locks held
	entries map[ID]*entry
	fresh   []*entry // entries with news since the last Take, each once
}

// A running is a source and its run.
type running struct {
	source Source
	stop   context.CancelFunc // ends the run; nil: there is none
	ended  chan struct{}      // closed when it has returned; nil: there is none
}

// An entry is the Sink of one watched query at one source.
type entry struct {
	w  *Watcher
	id ID

	// Guarded by w.mu.
	state     *State
	inherited bool // state.Failure is of the source before
	news      bool // it stands in w.fresh
	gone      bool // it was unwatched, or another source has its query; what still arrives is dropped
}

// New returns a Watcher that puts each query to its store's source. It starts
// nothing; see Run.
func New(sources map[Store]Source) *Watcher {
	w := &Watcher{
		sources: make(map[Store]*running, len(sources)),
		changed: make(chan struct{}, 1),
		entries: make(map[ID]*entry),
	}
	for store, s := range sources {
		w.sources[store] = &running{source: s}
	}
	return w
}

// Run runs the sources, and those that take their places, until ctx ends and
// they have all returned.
func (w *Watcher) Run(ctx context.Context) {
	w.asking.Lock()
	w.ctx = ctx
	for _, r := range w.sources {
		w.run(r, nil)
	}
	w.asking.Unlock()
	<-ctx.Done()
	w.asking.Lock()
	w.ctx = nil // nothing is started any more
	w.asking.Unlock()
	w.group.Wait()
}

// run runs a source once another, nil for none, has ended: they may write to the
// same file. The caller holds w.asking.
func (w *Watcher) run(r, after *running) {
	ctx, stop := context.WithCancel(w.ctx)
	r.stop, r.ended = stop, make(chan struct{})
	w.group.Go(func() {
		defer close(r.ended)
		defer stop()
		if after != nil && after.ended != nil {
			<-after.ended
		}
		r.source.Run(ctx)
	})
}

// ErrNotConfigured says that a query is for a store that nobody set up.
var ErrNotConfigured = errors.New("not configured")

// Serves tells whether queries to store are answered by some source.
func (w *Watcher) Serves(store Store) bool { return w.source(store) != nil }

// source returns the source of a store, nil where it has none.
func (w *Watcher) source(store Store) Source {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.sources[store]; r != nil {
		return r.source
	}
	return nil
}

// Watch begins to keep queries current; those that are watched already stay
// as they are. A query to a store without a source fails with
// ErrNotConfigured and has no answer. A source hears of all its queries in one
// call.
func (w *Watcher) Watch(queries ...ID) {
	w.asking.Lock()
	defer w.asking.Unlock()
	for store, added := range w.add(queries) {
		w.start(store, added)
	}
}

// add makes the entries of those queries that have none.
func (w *Watcher) add(queries []ID) map[Store][]Subscription {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.entries) == 0 {
		w.entries = make(map[ID]*entry, len(queries))
	}
	added, unknown := make(map[Store][]Subscription), new(State)
	for i, id := range queries {
		if w.entries[id] != nil {
			continue
		}
		e, store := &entry{w: w, id: id, state: unknown}, id.Value().Store()
		w.entries[id] = e
		list, ok := added[store]
		if !ok {
			list = make([]Subscription, 0, len(queries)-i)
		}
		added[store] = append(list, Subscription{id, e})
	}
	return added
}

// start hands entries to their source, without w.mu: the source may answer at
// once.
func (w *Watcher) start(store Store, added []Subscription) {
	if source := w.source(store); source != nil {
		source.Watch(added...)
		return
	}
	for _, s := range added {
		s.Sink.Fail(&Error{Query: s.ID.Value(), Class: Invalid, Err: ErrNotConfigured})
	}
}

// Unwatch ends the watching of queries and forgets their answers. A source
// hears of all its queries in one call.
func (w *Watcher) Unwatch(queries ...ID) {
	w.asking.Lock()
	defer w.asking.Unlock()
	for store, removed := range w.remove(queries) {
		if source := w.source(store); source != nil {
			source.Unwatch(removed...)
		}
	}
}

// remove forgets the entries of those queries that have one.
func (w *Watcher) remove(queries []ID) map[Store][]ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	removed := make(map[Store][]ID)
	for _, id := range queries {
		if e := w.entries[id]; e != nil {
			e.gone = true
			delete(w.entries, id)
			store := id.Value().Store()
			removed[store] = append(removed[store], id)
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
			updates = append(updates, Update{ID: e.id, State: e.state})
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
	changed := !old.Known || !same(old.Answer.Data, a.Data)
	if !changed {
		a.Data = old.Answer.Data // what templates hold stays one value
	}
	a.Last = a.Data
	if isNil(a.Data) {
		a.Last = old.Answer.Last
	}
	e.inherited = false
	version := old.Version
	if changed {
		version++
	}
	e.state = &State{Answer: a, Known: true, Version: version}
	if changed || old.Failure != nil {
		e.notify()
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
	if old := e.state.Failure; old != nil && !e.inherited {
		f.Since, f.Attempts = old.Since, old.Attempts+1
	}
	var told *Error
	if errors.As(err, &told) {
		f.Attempts = max(f.Attempts, told.Attempts)
	}
	state := *e.state
	state.Failure = f
	e.state, e.inherited = &state, false
	e.notify()
}

// notify notes that e has news and wakes the reader. The caller holds the lock.
func (e *entry) notify() {
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

// Replace gives stores other sources. Each takes the place of the one that its
// store has, if any, which is ended, and is asked all that is watched there.
// Answers stay until it gives others; so do failures, until it has answered the
// query or failed itself. What the old one still says is dropped, and the
// sources of other stores go on untouched.
//
// Replace does not wait: a source is run when the one before it has ended.
func (w *Watcher) Replace(sources map[Store]Source) {
	w.asking.Lock()
	defer w.asking.Unlock()
	for store, source := range sources {
		next := &running{source: source}
		old, list := w.handOver(store, next)
		if len(list) > 0 {
			w.start(store, list)
		}
		if old != nil && old.stop != nil {
			old.stop()
		}
		if w.ctx != nil {
			w.run(next, old)
		}
	}
}

// handOver makes next the source of a store. It returns the one before, nil for
// none, and what next is to be asked.
func (w *Watcher) handOver(store Store, next *running) (old *running, list []Subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old = w.sources[store]
	w.sources[store] = next
	for id, e := range w.entries {
		if id.Value().Store() == store {
			e.gone = true
			successor := &entry{w: w, id: id, state: e.state, inherited: true}
			if old == nil { // the failure said that there was no source
				state := *e.state
				state.Failure = nil
				successor.state = &state
			}
			if e.news || old == nil {
				successor.notify()
			}
			w.entries[id] = successor
			list = append(list, Subscription{id, successor})
		}
	}
	return old, list
}
