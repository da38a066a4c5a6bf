// Package consul keeps queries to Consul current: it is the watch.Source of
// the store watch.Consul.
//
// Each query is kept by a goroutine of its own ([Source.Run] owns them all)
// that asks the agent in a loop: a blocking query, which the agent answers
// when the data changes, or for the few endpoints that cannot block, a plain
// one now and then. What to ask next and what to make of a reply is decided
// by a cursor, a plain value.
//
// How a kind of query is put to the agent and what becomes of the reply
// stands in a file by subject (kv.go, service.go, catalog.go, connect.go,
// mesh.go), as a function that asks once and knows nothing of watching.
//
// What is wrong with the agent itself is shared: while it cannot be reached,
// one query at a time tries, and the first reply lets all go on (see gate).
// The same goes for a datacenter whose servers fail, among the queries that
// have met it.
package consul
