package watch

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
		w.replace(store, &running{source: source})
	}
}

func (w *Watcher) replace(store Store, next *running) {
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

// handOver makes next the source of a store. It returns the one before, nil for
// none, and what next is to be asked.
func (w *Watcher) handOver(store Store, next *running) (old *running, list []Subscription) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old = w.sources[store]
	w.sources[store] = next
	for id, e := range w.entries {
		if q := id.Value(); q.Store() == store {
			w.entries[id] = e.successor(old != nil)
			list = append(list, Subscription{q, w.entries[id]})
		}
	}
	return old, list
}

// successor returns what takes e's place at another source. A failure is no
// longer true where it said that there was no source at all. The caller holds
// the lock.
func (e *entry) successor(hadSource bool) *entry {
	next := &entry{w: e.w, id: e.id, state: e.state, inherited: true}
	e.gone = true
	if !hadSource {
		next.state.Failure = nil
	}
	if e.news || !hadSource {
		next.tell()
	}
	return next
}
