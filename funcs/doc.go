// Package funcs holds the functions that a template can call: those that query a
// store, in a file by store, and those of package pure.
//
// [Map] makes the functions of one template around its [Env], once for all
// executions. Queries to stores and effects go to the [Execution].
package funcs
