// Package fetch answers queries to Vault: reads, lists, writes, and certificates. A
// [Fetcher] makes one attempt at its query. It does not decide when the next is due.
//
// A [Requester] makes the requests. It limits those that issue or write something,
// and records every lease, so that all can be revoked.
package fetch
