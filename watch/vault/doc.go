// Package vault is the source that keeps queries to HashiCorp Vault current:
// reads, writes, lists and certificates.
//
// Vault cannot be asked to wait for a change, so each answer says itself when
// it is to be renewed or read again. A [Source] has one goroutine that owns what is
// known of every query, and of when each is due: renewing a lease, reading
// anew what has none, issuing what cannot be renewed before it ends. What is
// due is handed to at most Options.MaxRequests goroutines at a time; no
// goroutine belongs to a query, and none sleeps.
//
// The other tasks have a package each: token keeps the token; fetch puts a query
// to Vault once; lease says, purely, when an answer is to be renewed or
// replaced; limit bounds how often anything is issued or written at a path;
// client makes the requests.
//
// Answers but for lists are tainted (see watch.Tainted), and no error, notice
// or log line holds a token or a value of a secret.
package vault
