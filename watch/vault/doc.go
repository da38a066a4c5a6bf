// Package vault is the source that keeps queries to HashiCorp Vault current:
// reads, writes, lists and certificates.
//
// Vault cannot be asked to wait for a change, so each answer says itself when
// it is to be seen to again. A [Source] has one goroutine that owns what is
// known of every query, and of when each is due: renewing a lease, reading
// anew what has none, issuing what cannot be renewed before it ends. What is
// due is handed to at most Options.MaxRequests requests at a time; no goroutine
// belongs to a query, and none sleeps.
//
// Three things are each in one place:
//
//   - The session is the token: how it is got (written down, from a file that
//     an agent keeps, by a login, from a command), how long it lasts, and that
//     there is another before it ends. It belongs to a goroutine of its own.
//     Each token has a generation, so that what hangs on a token that ends is
//     fetched anew under its successor.
//   - Package lease is pure: when an answer is to be renewed or replaced.
//   - The allowance bounds how often anything is issued or written at a path.
//     All requests that make something go through it; nothing can go past it.
//
// Answers but for lists are tainted (see watch.Tainted), and no error, notice
// or log line holds a token or a value of a secret.
package vault
