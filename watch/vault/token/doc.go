// Package token keeps a token for Vault: it obtains one (from the configuration, a
// file, a login or a command), renews it, and replaces it before it ends.
//
// A [Manager] has one goroutine, and makes one call at a time. Each token has an
// [Epoch], so that what Vault revokes with a token is replaced under its successor.
package token
