package watch

import (
	"errors"
	"reflect"
	"slices"
	"time"
)

// An Answer is what a store said to a query. It is immutable: neither the
// sources nor the templates change Data once it is published.
type Answer struct {
	// Data has the type that the query's kind names. For a thing that does
	// not exist it is nil, which is an answer all the same.
	Data any

	// Last is Data, or where that is nil, what it was before it went away;
	// nil where it never existed. The Watcher fills it.
	Last any

	// Index is the store's index (Consul, Nomad) of Data, 0 where it has none.
	Index uint64

	// Time is when the answer was received.
	Time time.Time
}

// A Failure says that a query cannot be kept current at the moment. The last
// good answer stays.
type Failure struct {
	Err      error     // what the newest attempt said; see Classify
	Since    time.Time // when the first attempt of this row failed
	Attempts int       // failed attempts in a row, 1 and up
}

// A State is all that is known of one query. Nobody changes it.
type State struct {
	Answer  Answer   // meaningful where Known
	Known   bool     // an answer has been received at some time
	Version int      // how many different answers there have been
	Failure *Failure // nil while the query is kept current
}

// An Update is a query and its newest state.
type Update struct {
	ID    ID
	State *State
}

// A Class says what is to be done about an error of a store.
type Class int

const (
	// Retry: the same request may succeed later (network, 5xx, 429).
	Retry Class = iota
	// Denied: the store refuses it until something changes there, such as a
	// policy, a mount or a role (400, 403, 404 where that is not an answer).
	// It is tried again like the others: that may happen at any time.
	Denied
	// Invalid: the query itself is wrong, or nobody answers such. It is not put
	// to the store, and not tried again.
	Invalid
)

// An Error is a failed attempt to answer a query.
type Error struct {
	Query      Query
	Class      Class
	RetryAfter time.Duration // what the store asked for, 0 if it did not
	Err        error

	// All says that it is no fault of the query: until something else changes,
	// such as the token, no query of this store is answered.
	All bool

	// Gone says that there is no such thing, or no longer.
	Gone bool

	// Attempts is how many attempts in a row have failed, where other queries
	// made them for this one. Zero: this query's own count.
	Attempts int
}

// Error begins with the query's identity, as consul-template's errors do.
func (e *Error) Error() string { return e.Query.String() + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Classify returns the class of err, Retry where it is no *Error.
func Classify(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Retry
}

// same tells whether two answers to one query have the same data. The instances
// of a service are mostly the same pointers: only those that have changed are
// decoded.
func same(old, new any) bool {
	switch new := new.(type) {
	case Tainted:
		if old, ok := old.(Tainted); ok {
			return same(Reveal(old), Reveal(new))
		}
	case *Secret:
		// The RequestID is new with each answer (COMPAT Q39).
		if old, ok := old.(*Secret); ok && old != nil && new != nil {
			other := *old
			other.RequestID = new.RequestID
			return reflect.DeepEqual(&other, new)
		}
	case *KeyPair:
		if old, ok := old.(*KeyPair); ok {
			return samePair(old, new)
		}
	case []*KeyPair:
		if old, ok := old.([]*KeyPair); ok {
			return sameList(old, new, samePair)
		}
	case []*HealthService:
		if old, ok := old.([]*HealthService); ok {
			return sameList(old, new, sameInstance)
		}
	}
	return reflect.DeepEqual(old, new)
}

func samePair(a, b *KeyPair) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func sameInstance(a, b *HealthService) bool {
	return a == b || reflect.DeepEqual(a, b)
}

// sameList compares two lists. Templates can tell nil from an empty one.
func sameList[T any](a, b []*T, same func(a, b *T) bool) bool {
	return (a == nil) == (b == nil) && slices.EqualFunc(a, b, same)
}
