// Package consul keeps queries to Consul current: it is the watch.Source of
// the store watch.Consul.
//
// A requester asks one query in a loop: a blocking query, which the agent answers
// when the data changes, or a plain one where that cannot be. How a query is put
// to the agent and its reply decoded is in package fetch, how the agent is
// reached in package client. What to make of a reply
// is decided by a cursor, a plain value.
//
// As long as there are few queries, each has a requester. Beyond the connection
// budget, package plan has keys share the blocking queries of a prefixWatch, and
// services those of a serviceWatch, which does what package discovery asks for;
// the poller does the plain reads. [Source.Run] owns all goroutines.
//
// What is wrong with the agent itself is shared: while it cannot be reached,
// one query at a time tries, and the first reply lets all go on (see breaker).
// The same goes for a datacenter whose servers fail, among the queries that
// have met it.
package consul
