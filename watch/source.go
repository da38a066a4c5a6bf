package watch

import "context"

// A Source keeps queries of one store current.
//
// Its owner calls Run once, and may call Watch and Unwatch before and during Run,
// from any goroutine. A source starts goroutines only in Run.
type Source interface {
	// Run serves the watched queries until ctx ends. It returns when every
	// goroutine and request of the source has ended. Failures of the store
	// do not end it: they go to the sinks of the queries.
	Run(ctx context.Context)

	// Watch begins to keep queries current, and returns at once. The source
	// passes every answer (equal ones too) and every failure to the query's sink.
	// It may keep the slice. The queries must not be watched already.
	Watch(...Subscription)

	// Unwatch ends what Watch began: it cancels the request under way and
	// releases its resources. A call to the sink may still be under way; the
	// Watcher drops it. Unwatching a query that is not watched does nothing.
	// Unwatch may keep the slice.
	Unwatch(...ID)
}

// A Subscription is a query and the sink that receives its answers and failures.
type Subscription struct {
	ID   ID
	Sink Sink
}

// A Sink receives the answers and failures of one query. Its methods return at
// once and may be called from any goroutine, one call at a time.
type Sink interface {
	// Publish passes the newest answer, without Last, and ends a row of failures. It
	// reports whether the data differs from that of the last answer.
	Publish(Answer) (news bool)

	// Fail reports that an attempt failed. The source continues trying.
	Fail(error)
}
