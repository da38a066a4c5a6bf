// Package watch is the watch plane: it keeps one live answer for each
// question that templates ask of a store.
//
// A [Query] is the question, a small comparable value. A [Source] (Consul,
// the local data file, Vault, …) keeps the queries it is given current and
// tells what it learns to a [Sink]. A [Watcher] stands between the sources
// and the one loop that uses the answers: it keeps the newest [Answer] of
// every query, drops those that change nothing, and sends a wake-up that
// carries no data. A slow reader therefore costs memory for one answer a
// query and never misses the last state.
//
// Package watch knows nothing of templates. The types of the values that
// answers hold (KeyPair, HealthService, Node, …) are here as well, because
// every source produces them and every template sees them.
package watch

import "context"

// A Source keeps queries of one store current.
//
// Its owner calls Run once and may call Watch and Unwatch at any time, before
// Run and during it, from any goroutine. No constructor of a source starts a
// goroutine; all that it starts belong to Run.
type Source interface {
	// Run serves the watched queries until ctx ends. It returns when every
	// goroutine and request of the source has ended. Failures of the store
	// do not end it: they go to the sink of the query that met them.
	Run(ctx context.Context)

	// Watch begins to keep queries current, for which it can plan together,
	// and returns at once. The source gives the sink of each every answer that
	// it receives (it need not find out whether the data differs from the last)
	// and every failure. It may keep the slice. Watching a query that is watched
	// already is a programming error.
	Watch(...Subscription)

	// Unwatch ends what Watch began: the request under way is cancelled and
	// its resources are let go. A call to the sink that was already under
	// way may still come; the Watcher drops it. Unwatching a query that is
	// not watched does nothing. Unwatch may keep the slice.
	Unwatch(...ID)
}

// A Subscription is a query and the sink that takes its answers and failures.
type Subscription struct {
	ID   ID
	Sink Sink
}

// A Sink takes what a source learns about one query. Its methods return at
// once and may be called from any goroutine, one call at a time.
type Sink interface {
	// Publish gives the newest answer and ends a row of failures. The source
	// leaves Answer.Last alone.
	Publish(Answer)

	// Fail tells that an attempt failed. The source goes on trying.
	Fail(error)
}
