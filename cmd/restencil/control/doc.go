// Package control is how one process asks the running one for something that a
// person wants: to accept a change that is held back, or to go back to an
// earlier generation.
//
// The running process listens at a Unix socket in its state directory, which
// only its own user can open. A connection carries one [Request], a line of
// JSON, and one reply, the same; then it is closed.
package control
