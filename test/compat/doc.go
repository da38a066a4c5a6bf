// Package compat proves that a template renders to the same bytes here as in
// consul-template v0.42.1: both programs run with -once against the same
// seeded Consul and Vault, and what they write and how they exit is compared.
//
// TestSubjects runs the templates of testdata/*.txtar, one file a subject, and
// TestVaultSubjects those of testdata/vault. What Vault makes up for each who
// asks, such as certificates, is compared by what it is. TestVaultEndings and
// TestVaultTLS are about the ways to reach a Vault.
//
// TestDirectory does so with templates that are not part of this repository:
// -compat.templates names their directory.
//
// TestRandomExpressions makes templates up: it prints the seed that it used,
// and with -compat.seed it makes the same ones again. What differs on purpose
// stands, with the reason, in differences_test.go and vault_differences_test.go,
// and beside the cases of the other tests.
package compat
