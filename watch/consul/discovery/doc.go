// Package discovery decides which requests keep the instances of many services
// of one Consul datacenter current over few connections.
//
// A [Discovery] names the services that have changed, instead of reading all of
// them whenever something has:
//
//   - The difference between two replies for the checks that are critical, or
//     warning, names the service of every check that flips.
//   - The difference between two replies for the nodes names the nodes that
//     changed, came or went.
//   - The difference between two replies for the services of one node names
//     every service that was registered, deregistered or changed there. As many
//     nodes as there is room for have a blocking query each, those that changed
//     last first.
//   - Where not all nodes have one, a blocking query for the list of services
//     ends at every registration in the datacenter. Then the other nodes are
//     swept: each is read once, at the pace of a token bucket. Where there are
//     more such nodes than services, services are held and swept instead.
//
// What is named is read at once by a plain request, begun after the reply that
// named it. While one of the blocking queries fails, and once in [BaseSweep] in
// any case, everything is read again.
//
// The package is pure: it starts no goroutine, reads no clock and sends no
// request. Whoever uses it holds the requests that it asks for, gives it the
// replies, and passes the time in. Its values are not safe for concurrent use.
package discovery
