// Package funcs holds every function that a template can call: those that ask a
// store in a file by store, and those of package pure.
//
// The functions of one template are made once, by [Map], around an [Env] of
// that template; executing it again makes nothing anew. They do no I/O of
// their own but for what their purpose is (env reads the environment, plugin
// runs a program): what they ask of a store, and what they would change in the
// world, goes to the [Execution].
package funcs
