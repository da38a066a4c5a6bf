// Package compat proves that a template renders to the same bytes here as in
// consul-template v0.42.1: both programs run with -once against the same
// seeded Consul, and what they write and how they exit is compared.
//
// TestSubjects runs the templates of testdata/*.txtar, one file a subject.
// TestRandomExpressions makes templates up: it prints the seed that it used,
// and with -compat.seed it makes the same ones again. What differs on purpose
// stands, with the reason, in differences_test.go.
package compat
