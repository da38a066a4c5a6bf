// Package token keeps a token for Vault: it gets one (written down, from a file
// that an agent keeps, by a login, from a command), renews it, and gets another
// before it ends.
//
// A [Manager] has one goroutine, in which one call at a time is under way. Each
// token has an [Epoch], so that what hangs on a token that ends is fetched anew
// under its successor.
package token
