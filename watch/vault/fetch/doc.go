// Package fetch puts queries to Vault: reads, lists, writes, and certificates. A
// [Fetcher] makes one attempt to answer its query, and knows nothing of when the
// next is due, but for what the answer says.
//
// A [Requester] makes the requests. It sees to it that what issues or writes
// something keeps within the limit, and it notes every lease, so that all can be
// given back.
package fetch
