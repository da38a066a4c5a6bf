// Package fetch puts queries to a Consul agent, each once, and decodes the
// replies: what templates see of keys, services, nodes and the rest, and what
// package discovery compares. It knows nothing of watching.
//
// A file holds the kinds of query of one subject. [Transport] has to be the
// transport of the client that they use.
package fetch
