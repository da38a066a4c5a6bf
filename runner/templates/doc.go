// Package templates executes the templates of a runner: it decides which are to be
// executed, and executes them concurrently.
//
// A [Set] belongs to one goroutine, the loop of the runner. [Set.Update] marks the
// templates that use an answer. [Set.Execute] starts to execute those that are
// marked, in goroutines of the Set. [Set.Changed] receives when executions have
// ended, and [Set.Take] returns their results: outputs, and which queries are used
// from now on.
//
// A template that lacks answers is not executed for each one that arrives, but
// when the last has arrived, or after a delay. One that fails is executed again
// after a delay that grows. One that waits for long is reported, with the place in
// its text where it asks for what is missing.
package templates
