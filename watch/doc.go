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
