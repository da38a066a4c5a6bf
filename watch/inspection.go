package watch

import (
	"reflect"
	"time"
)

// An Inspector is a source that says how it keeps its queries current.
type Inspector interface {
	// Inspect may be called at any time, from any goroutine. It returns at once.
	Inspect() Inspection
}

// An Inspection is what a source says of itself at one time. It holds no secret.
type Inspection struct {
	// Kept says how each query is kept current, in plain words: "by a request of
	// its own", "by a prefix watch of app/". A query that is left out is not kept
	// in any way that is worth a word.
	Kept map[ID]string

	Requests    int // that were made since the start of the process
	Errors      int // how many of those brought no answer
	Open        int // requests that are under way, such as blocking queries
	Connections int // that are open

	Leases []Lease
}

// A Lease is how long an answer is good, or the token that the source uses.
type Lease struct {
	Query ID        // zero: the token
	Ends  time.Time // when it is good no more
	Next  time.Time // when it is renewed or replaced
}

// Inspect returns what the sources say of themselves, of those that do.
func (w *Watcher) Inspect() map[Store]Inspection {
	w.mu.Lock()
	sources := make(map[Store]Inspector)
	for store, r := range w.sources {
		if i, ok := r.source.(Inspector); ok {
			sources[store] = i
		}
	}
	w.mu.Unlock()
	all := make(map[Store]Inspection, len(sources))
	for store, i := range sources {
		all[store] = i.Inspect()
	}
	return all
}

// Size returns how much there is of the answer: bytes of a text, else how many
// things it lists, 1 for a single one, 0 for none. Of a secret it is 1.
func (a *Answer) Size() int {
	switch d := a.Data.(type) {
	case string:
		return len(d)
	case *KeyPair:
		if d != nil {
			return len(d.Value)
		}
	case []*KeyPair:
		return len(d)
	case []*HealthService:
		return len(d)
	}
	if v := reflect.ValueOf(a.Data); v.Kind() == reflect.Slice {
		return v.Len()
	}
	if isNil(a.Data) {
		return 0
	}
	return 1
}

// Ends returns when a certificate of Consul ends, zero for other answers.
func (a *Answer) Ends() (at time.Time) {
	if leaf, ok := a.Data.(*LeafCert); ok && leaf != nil {
		at = leaf.ValidBefore
	}
	return at
}
