// Package watch keeps one current answer for each query that templates make of a
// store.
//
// A [Query] is a small comparable value. A [Source] (Consul, the local data file,
// Vault, …) keeps queries current, and passes answers and failures to a [Sink]. A
// [Watcher] keeps the newest [Answer] to every query for the loop that uses them: it
// drops those that change nothing, and sends a wake-up without data. A slow reader
// costs memory for one answer a query, and never misses the last state.
//
// There may be several clusters of Consul, Vault or Nomad, each with a name. Query.Cluster
// says which one a query is for, and [Query.Store] is the [Store] that answers it: "consul",
// or "consul/eu". All that is kept by store (sources, outages, budgets, counts) is thereby
// kept by cluster; a source serves one cluster and does not look at its name.
//
// The types of the values in answers (KeyPair, HealthService, Node, …) are here too:
// every source makes them and every template sees them.
package watch
