// Package requester asks a Consul agent queries, and decides what to make of each
// reply and of each failure.
//
// A [Requester] asks one query again and again: it holds a blocking query, which
// the agent answers when the data changes, or it reads when its owner says so. Its
// cursor, a plain value, judges the replies: one that may be wrong is confirmed by
// a consistent read before the [Receiver] hears of it.
//
// What the requesters of an agent share is in its [Agent]. While the agent cannot
// be reached, one of them at a time tries, and the first reply lets all go on (see
// breaker). The same goes for a datacenter whose servers fail, among the queries
// that have met it.
package requester
