package watch

import "time"

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

// A State is all that is known of one query.
type State struct {
	Answer  Answer   // meaningful where Known
	Known   bool     // an answer has been received at some time
	Version int      // how many different answers there have been
	Failure *Failure // nil while the query is kept current
}

// An Update is a query and its newest state.
type Update struct {
	Query Query
	State State
}
