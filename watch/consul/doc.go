// Package consul keeps queries to Consul current: it is the watch.Source of
// the store watch.Consul.
//
// Package client reaches the agent, package fetch puts a query to it and decodes the
// reply, and a requester of package requester asks one query again and again, and decides
// which replies to believe.
//
// As long as there are few queries, each has a requester. Beyond the connection
// budget, package plan has keys share the blocking queries of a prefixWatch, and
// services those of a serviceWatch, which makes the requests that package discovery
// asks for; the poller makes the plain reads. [Source.Run] owns all goroutines.
//
// [NewFor] makes a source of the queries to Nomad, none of which share requests.
package consul
