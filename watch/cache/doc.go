// Package cache lets templates render while Consul is away, even if the daemon
// has been restarted and has not reached it yet.
//
// A [Source] wraps another source and keeps the last answer to each query in a
// file. If the first attempt at a query fails, it publishes the answer in the
// file, and then the failure, which shows that the answer is not current. It
// deletes the answer if the store denies the query: the token may have lost the
// right to it.
//
// Only answers of Consul are kept, but no certificate with its private key
// (COMPAT 3.4, caLeaf), and no answer to a query whose name contains a secret.
// Only its owner can read the file.
//
// The file may be lost at any time. One that is damaged, of another version of
// restencil or about another store is replaced.
package cache
