// Package cache lets templates render while a store is away that a restarted
// daemon has never reached.
//
// A [Source] stands before another source and keeps the last answer of each
// query in a file. Where the first attempt at a query fails, it publishes the
// answer that the file has, and then passes the failure on: everybody sees
// that what is there is not current. The first real answer takes its place.
//
// What may be a secret is not kept: no answer of Vault's, no variable of
// Nomad's, and no certificate with its private key (COMPAT 3.4, caLeaf). The
// file is readable by its owner alone all the same, for keys of Consul's may
// hold anything.
//
// The file can be lost at any time. One that is damaged, of another version of
// restencil or about another store is left out of account, and replaced.
package cache
