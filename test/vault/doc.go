// Package vault has the built program keep files from a real Vault, over
// minutes of a secret's life in some seconds: leases and tokens end, are
// revoked and cannot be renewed, Vault is sealed, killed and cut off, policies
// forbid. Files are right all the while, nothing is issued in a runaway loop,
// and what is secret is nowhere but in the files.
//
// Each test takes some seconds, with leases as short. With the flag -soak, as
// in "make soak", they have more time: TestNothingLapses then runs for that
// long with tokens of 30 s and leases of 20 s, and what fails fails for that
// long.
package vault
