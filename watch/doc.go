// Package watch keeps one current answer for each query that templates make of a
// store.
//
// A [Query] is a small comparable value. A [Source] (Consul, the local data file,
// Vault, …) keeps queries current, and passes answers and failures to a [Sink]. A
// [Watcher] keeps the newest [Answer] to every query for the loop that uses them: it
// drops those that change nothing, and sends a wake-up without data. A slow reader
// costs memory for one answer a query, and never misses the last state.
//
// The types of the values in answers (KeyPair, HealthService, Node, …) are here too:
// every source makes them and every template sees them.
package watch
