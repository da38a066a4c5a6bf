package watch

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"
)

// A Watcher keeps the newest state of each watched query, from any store.
//
// Watch and Unwatch are for one goroutine, the other methods for any. The Watcher
// owns its sources: Run runs them and returns when they have ended.
type Watcher struct {
	changed chan struct{} // capacity 1; see Changed

	// calls is held during calls to sources, which may answer at once, and while
	// sources are replaced. It is locked before mu.
	calls sync.Mutex
	ctx   context.Context // of Run; nil while Run is not under way. Guarded by calls
	group sync.WaitGroup  // the runs of all sources

	// ended has a channel for each store that had a source, closed when the newest of its
	// runs that began has ended. Guarded by calls.
	ended map[Store]<-chan struct{}

	batches sync.RWMutex // held for reading during Batch. It is locked before mu

	mu      sync.Mutex
	sources map[Store]*sourceRun // changed with both locks held
	entries map[ID]*entry
	updated []*entry // whose states Take has not returned yet, each once
}

// A sourceRun is a source and its call of Run, which begins with the first query: most
// programs use one store of those that they could reach. It is guarded by calls.
type sourceRun struct {
	source Source
	used   bool               // it has, or had, queries
	stop   context.CancelFunc // ends the run; nil before it begins
}

// An entry is the Sink of one watched query at one source.
type entry struct {
	w  *Watcher
	id ID

	// Guarded by w.mu.
	state     *State
	inherited bool // state.Failure is of the previous source
	updated   bool // in w.updated
	gone      bool // unwatched, or another source has its query; further calls are dropped
}

// New returns a Watcher that puts each query to its store's source. It starts
// nothing; see Run.
func New(sources map[Store]Source) *Watcher {
	w := &Watcher{
		sources: make(map[Store]*sourceRun, len(sources)),
		changed: make(chan struct{}, 1),
		entries: make(map[ID]*entry),
		ended:   make(map[Store]<-chan struct{}),
	}
	for store, s := range sources {
		w.sources[store] = &sourceRun{source: s}
	}
	return w
}

// Run runs the sources that have, or had, queries, until ctx ends and they have all
// returned.
func (w *Watcher) Run(ctx context.Context) {
	w.calls.Lock()
	w.ctx = ctx
	for store, r := range w.sources {
		w.run(store, r)
	}
	w.calls.Unlock()
	<-ctx.Done()
	w.calls.Lock()
	w.ctx = nil // nothing more is started
	w.calls.Unlock()
	w.group.Wait()
}

// run runs a source that is used, if it does not run yet, once those before it have
// ended: they may write to the same file. The caller holds w.calls.
func (w *Watcher) run(store Store, r *sourceRun) {
	if w.ctx == nil || !r.used || r.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(w.ctx)
	previous, ended := w.ended[store], make(chan struct{})
	r.stop, w.ended[store] = stop, ended
	w.group.Go(func() {
		defer close(ended)
		defer stop()
		if previous != nil {
			<-previous
		}
		r.source.Run(ctx)
	})
}

// ErrNotConfigured is the failure of a query to a store that has no source.
var ErrNotConfigured = errors.New("not configured")

// Serves reports whether some source answers queries to store.
func (w *Watcher) Serves(store Store) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sources[store] != nil
}

// Clusters returns the names of the clusters of a system that have sources, sorted,
// without the one that has no name.
func (w *Watcher) Clusters(system Store) (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for store := range w.sources {
		if of, cluster := store.Split(); of == system && cluster != "" {
			names = append(names, cluster)
		}
	}
	slices.Sort(names)
	return names
}

// Watch begins to keep queries current; it ignores those that are watched
// already. A query to a store without a source fails with ErrNotConfigured. A
// source gets all its queries in one call.
func (w *Watcher) Watch(queries ...ID) {
	w.calls.Lock()
	defer w.calls.Unlock()
	added, unknown := make(map[Store][]Subscription), new(State)
	w.mu.Lock()
	if len(w.entries) == 0 {
		w.entries = make(map[ID]*entry, len(queries))
	}
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
	w.mu.Unlock() // the sources may answer at once
	for store, list := range added {
		w.subscribe(store, list)
	}
}

// subscribe has the source of a store watch queries. Without one they fail.
func (w *Watcher) subscribe(store Store, list []Subscription) {
	r := w.sources[store]
	switch {
	case len(list) == 0:
	case r != nil:
		r.used = true
		r.source.Watch(list...)
		w.run(store, r)
	default:
		for _, s := range list {
			s.Sink.Fail(&Error{Query: s.ID.Value(), Class: Invalid, Err: ErrNotConfigured})
		}
	}
}

// Unwatch ends the watching of queries and forgets their answers. A source gets
// all its queries in one call.
func (w *Watcher) Unwatch(queries ...ID) {
	w.calls.Lock()
	defer w.calls.Unlock()
	removed := make(map[Store][]ID)
	w.mu.Lock()
	for _, id := range queries {
		if e := w.entries[id]; e != nil {
			e.gone = true
			delete(w.entries, id)
			store := id.Value().Store()
			removed[store] = append(removed[store], id)
		}
	}
	w.mu.Unlock()
	for store, list := range removed {
		if r := w.sources[store]; r != nil {
			r.source.Unwatch(list...)
		}
	}
}

// Changed returns a channel that receives when Take has updates. It has room for
// one value, which stands for any number of changes.
func (w *Watcher) Changed() <-chan struct{} { return w.changed }

// Take returns the newest state of every query whose state has changed since
// the last Take, each once. It skips the states between, and waits for the end of a
// Batch.
func (w *Watcher) Take() []Update {
	w.batches.Lock()
	defer w.batches.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	updates := make([]Update, 0, len(w.updated))
	for _, e := range w.updated {
		e.updated = false
		if !e.gone {
			updates = append(updates, Update{ID: e.id, State: e.state})
		}
	}
	clear(w.updated)
	w.updated = w.updated[:0]
	return updates
}

// Answers returns the data of all watched queries that have an answer.
func (w *Watcher) Answers() map[Query]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[Query]any)
	for id, e := range w.entries {
		if e.state.Known {
			all[id.Value()] = e.state.Answer.Data
		}
	}
	return all
}

// Publish implements Sink. It drops an answer with known data, unless that ends
// a failure or differs in whether it is partial.
func (e *entry) Publish(a Answer) (news bool) {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	old := e.state
	version := old.Version
	news = !old.Known || !same(old.Answer.Data, a.Data)
	if news {
		version++
	} else {
		a.Data = old.Answer.Data // templates go on sharing one value
	}
	a.Last = a.Data
	if isNil(a.Data) {
		a.Last = old.Answer.Last
	}
	e.state, e.inherited = &State{Answer: a, Known: true, Version: version}, false
	if news || old.Failure != nil || old.Answer.Partial != a.Partial {
		e.notify()
	}
	return news
}

// Batch calls publish, which calls the sinks of one source, of which sink is one. What it
// publishes, Take returns at once: no template is executed with half of it.
func Batch(sink Sink, publish func()) {
	if e, ok := sink.(*entry); ok {
		e.w.batches.RLock()
		defer e.w.batches.RUnlock()
	}
	publish()
}

// isNil reports whether data is nil, or a nil pointer.
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
	if failed, ok := errors.AsType[*Error](err); ok {
		f.Attempts = max(f.Attempts, failed.Attempts)
	}
	state := *e.state
	state.Failure = f
	e.state, e.inherited = &state, false
	e.notify()
}

// notify adds e to the updates and wakes their reader. The caller holds w.mu.
func (e *entry) notify() {
	if e.gone || e.updated {
		return
	}
	e.updated = true
	e.w.updated = append(e.w.updated, e)
	select {
	case e.w.changed <- struct{}{}:
	default:
	}
}

// Replace gives stores new sources. Each replaces the source of its store, if
// any, which is stopped, and takes over all queries to that store. Answers stay
// until the new source gives others; failures stay until it has answered the
// query or failed itself. Later calls of the old source are dropped. A nil source
// removes that of its store, whose queries fail with ErrNotConfigured.
//
// Replace does not wait: the new source runs when the old one has ended.
func (w *Watcher) Replace(sources map[Store]Source) {
	w.calls.Lock()
	defer w.calls.Unlock()
	for store, source := range sources {
		w.mu.Lock()
		old := w.sources[store]
		var next *sourceRun
		if source != nil {
			next = &sourceRun{source: source}
		}
		if w.sources[store] = next; next == nil {
			delete(w.sources, store)
		}
		var list []Subscription
		for id, e := range w.entries {
			if id.Value().Store() != store {
				continue
			}
			e.gone = true
			successor := &entry{w: w, id: id, state: e.state, inherited: true}
			if old == nil { // the failure is ErrNotConfigured
				state := *e.state
				state.Failure = nil
				successor.state = &state
			}
			if e.updated || old == nil {
				successor.notify()
			}
			w.entries[id] = successor
			list = append(list, Subscription{id, successor})
		}
		w.mu.Unlock() // the source may answer at once
		if old != nil && old.stop != nil {
			old.stop()
		}
		w.subscribe(store, list)
	}
}
