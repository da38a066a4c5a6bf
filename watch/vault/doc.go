// Package vault is the source of queries to HashiCorp Vault: reads, writes, lists
// and certificates.
//
// Vault has no blocking queries, so each answer determines when it is renewed or
// read again. One goroutine of a [Source] owns the state and the timers of all
// queries: it renews leases, reads again what has none, and replaces what cannot
// be renewed before it ends. At most Options.MaxRequests goroutines at a time make
// the requests.
//
// Package token keeps the token, fetch makes one attempt at a query, lease decides
// when to renew or replace an answer, limit bounds how often anything is issued or
// written at a path, and client makes the requests.
//
// Answers other than lists are tainted (see watch.Tainted). No error, notice or
// log line contains a token or a value of a secret.
package vault
