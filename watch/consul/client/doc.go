// Package client makes the HTTP client of an agent of Consul: its address, TLS,
// credentials and redirects. It ends requests that make no progress, bounds the
// size of replies, and records the result of each [Attempt]. It sends no request itself.
package client
