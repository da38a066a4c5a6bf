// Package consul keeps queries to Consul current: it is the watch.Source of
// the store watch.Consul.
//
// How the agent is reached is in package client, how a query is put to it and its
// reply decoded in package fetch. A requester of package requester asks one query
// in a loop, and says what is to be believed.
//
// As long as there are few queries, each has a requester. Beyond the connection
// budget, package plan has keys share the blocking queries of a prefixWatch, and
// services those of a serviceWatch, which does what package discovery asks for;
// the poller does the plain reads. [Source.Run] owns all goroutines.
package consul
