// Package runner renders templates: it takes the newest answers from the watch plane,
// has package templates execute the templates that use them, and offers the outputs to
// the bundles (package bundle), which put the files in place and run the commands.
//
// One goroutine, in [Runner.Run], owns the state. It never blocks and touches no disk.
// What takes time runs in other goroutines, which report to it: the sources of the
// watch plane, the executions of templates, a goroutine for each bundle, and the
// supervisor of the child (package process). What happens is emitted as events
// (package event), from which logs, pages and metrics are made.
//
// The way of a changed key from the watch plane to the rename, by the names of the
// functions:
//
//	watch: Sink.Publish, Watcher.Changed, Watcher.Take
//	runner: Runner.loop, Runner.handleUpdates
//	templates: Set.Update, Set.Execute, in a goroutine of its pool
//	template: Template.Execute
//	templates: Set.Take
//	runner: Runner.step, Runner.offer
//	bundle: Bundle.Offer, Bundle.Run in its goroutine, Bundle.advance, Bundle.change
//	group: Set.Take and Set.Due, which say what is to change
//	transaction: Transaction.Stage, Transaction.Check, Transaction.Swap
//	renderer: Stage, SwapGroups
//	atomicfile: Create, and the rename
package runner
