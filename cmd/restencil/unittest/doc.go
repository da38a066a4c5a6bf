// Package unittest runs unit tests of templates.
//
// A file of tests is YAML; docs/testing.md has its format. [Load] reads one. [Run]
// executes templates against the data of a test and compares what comes out with what
// is wanted. It asks no store: what the data cannot answer is waited for. [Write] and
// [WriteJUnit] report the results.
package unittest
