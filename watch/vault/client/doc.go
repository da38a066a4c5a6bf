// Package client makes requests to HashiCorp Vault over HTTP, and says what an
// error reply means: whether the store can be reached, whether anything may have
// been made, and what a person can do about it.
//
// No error holds a token or what else a request hides.
package client
