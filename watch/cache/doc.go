// Package cache lets templates render while Consul is away, though the daemon
// has been restarted and has not reached it yet.
//
// A [Source] stands before another source and keeps the last answer of each
// query in a file. Where the first attempt at a query fails, it publishes the
// answer that the file has, and then passes the failure on: everybody sees
// that what is there is not current. The first real answer takes its place. What
// the store refuses to tell is taken out of the file: the token may have lost the
// right to it.
//
// Only answers of Consul are kept, and no certificate with its private key
// (COMPAT 3.4, caLeaf). The file is readable by its owner alone: keys may hold
// anything.
//
// The file can be lost at any time. One that is damaged, of another version of
// restencil or about another store is not used, and replaced.
package cache
