package templates

import (
	"sync"

	"restencil/watch"
)

// answers are what is known of the queries. The loop changes them while templates
// execute; an execution sees one answer to a query, the first.
type answers struct {
	mu sync.RWMutex
	of map[watch.ID]watch.State
}

// get returns the answer that templates see.
func (a *answers) get(q watch.Query) (watch.Answer, bool) {
	st, ok := a.state(q)
	return st.Answer, ok && st.Known
}

func (a *answers) state(q watch.Query) (watch.State, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	st, ok := a.of[q.ID()]
	return st, ok
}

// set sets what is known of q, and returns what was before.
func (a *answers) set(q watch.Query, st watch.State) (old watch.State) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := q.ID()
	old = a.of[id]
	a.of[id] = st
	return old
}

func (a *answers) forget(queries []watch.Query) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, q := range queries {
		delete(a.of, q.ID())
	}
}
