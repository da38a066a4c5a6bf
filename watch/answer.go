package watch

import (
	"errors"
	"reflect"
	"slices"
	"time"
)

// An Answer is a store's reply to a query. It is immutable: neither sources
// nor templates change Data once it is published.
type Answer struct {
	Data  any       // of the type that the query's kind names; nil if the thing does not exist
	Last  any       // the last Data that was not nil, nil if there was none; set by the Watcher
	Index uint64    // the store's index of Data (Consul, Nomad), or 0
	Time  time.Time // when the answer was received

	// Partial says why Data may lack something that there is, "" where it lacks nothing.
	Partial string
}

// A Failure says that a query is not current. Its last good answer stays.
type Failure struct {
	Err      error     // of the newest attempt; see Classify
	Since    time.Time // when the first of these attempts failed
	Attempts int       // failed attempts in a row, at least 1
}

// A State is all that is known of one query. It is immutable.
type State struct {
	Answer  Answer   // valid if Known
	Known   bool     // an answer has been received
	Version int      // number of different answers so far
	Failure *Failure // nil while the query is current
}

// An Update is a query and its newest state.
type Update struct {
	ID    ID
	State *State
}

// A Class says how to treat an error of a store.
type Class int

const (
	// Retry: the same request may succeed later (network, 5xx, 429).
	Retry Class = iota
	// Denied: the store refuses the request until something changes there, such
	// as a policy, a mount or a role (400, 403, 404 where that is not an answer).
	// It is retried like any other: that may happen at any time.
	Denied
	// Invalid: the query is wrong, or has no source. It is never sent, and not
	// retried.
	Invalid
)

// An Error is a failed attempt to answer a query.
type Error struct {
	Query      Query
	Class      Class
	RetryAfter time.Duration // as the store requested, or 0
	Err        error

	All      bool // the cause is not the query: no query of this store is answered
	Gone     bool // the thing does not exist, or no longer
	Attempts int  // failed attempts in a row, if other queries made them; 0: the query's own count
}

// Error begins with the query's identity, as consul-template's errors do.
func (e *Error) Error() string { return e.Query.String() + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Classify returns the class of err, Retry if err is not an *Error.
func Classify(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Retry
}

// same reports whether two answers to one query have equal data.
func same(old, new any) bool {
	switch new := new.(type) {
	case Tainted:
		if old, ok := old.(Tainted); ok {
			return same(Reveal(old), Reveal(new))
		}
	case *Secret:
		// Each answer has a new RequestID (COMPAT Q39).
		if old, ok := old.(*Secret); ok && old != nil && new != nil {
			other := *old
			other.RequestID = new.RequestID
			return reflect.DeepEqual(&other, new)
		}
	case *KeyPair:
		if old, ok := old.(*KeyPair); ok && old != nil && new != nil {
			return *old == *new
		}
	case []*KeyPair:
		if old, ok := old.([]*KeyPair); ok {
			return sameList(old, new, func(a, b *KeyPair) bool { return *a == *b })
		}
	case []*HealthService:
		if old, ok := old.([]*HealthService); ok {
			return sameList(old, new, func(a, b *HealthService) bool { return reflect.DeepEqual(a, b) })
		}
	}
	return reflect.DeepEqual(old, new)
}

// sameList compares two lists, which mostly share their elements, much faster
// than package reflect. Templates can tell nil from an empty list.
func sameList[T any](a, b []*T, same func(a, b *T) bool) bool {
	return (a == nil) == (b == nil) && slices.EqualFunc(a, b, func(a, b *T) bool { return a == b || same(a, b) })
}
