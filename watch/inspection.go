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
	// Kept says how each query is kept current, in plain words such as "a blocking
	// query of its own". Where a query is left out, nothing need be said.
	Kept map[ID]string

	// Counts are those of the requests to the store.
	Counts Counts

	Leases []Lease
}

// Counts are of the requests to a store.
type Counts struct {
	Requests    int `json:"requests"`    // that were made
	Errors      int `json:"errors"`      // those that brought an error other than 404
	Open        int `json:"open"`        // that have no reply yet, such as blocking queries
	Connections int `json:"connections"` // that are open
}

// A Lease is how long an answer is good, or the token that the source uses.
type Lease struct {
	Query ID        // zero: the token
	Ends  time.Time // when it is good no more
	Next  time.Time // when it is renewed or replaced
	Renew bool      // it is renewed then
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
