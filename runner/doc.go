// Package runner is the loop that joins the others: it takes the newest answers
// from the watch plane, hands them to the templates (package templates), and
// offers what those render to the bundles (package bundle), which put the files in
// place and run the commands.
//
// One goroutine, in [Runner.Run], owns the templates and knows the bundles. It
// never waits and touches no disk. What takes time runs beside it and reports
// back: the sources in the watch plane, the executions of templates, a goroutine
// for each bundle, and the supervisor of the child (package process). What happens
// is told as typed events (package event); logs, pages and metrics are made from
// those alone.
//
// # The walk of a changed key
//
// From the answer of a store to the renamed file, by name of function:
//
//	watch.Watcher       Publish, Take
//	runner.Runner       loop, take, step, offer
//	templates.Set       Update, Execute, begin, Take, settle
//	template.Template   Execute
//	bundle.Bundle       Offer, Run, advance, change
//	group.Set           Take, Due, look
//	transaction         Stage, Check, Swap
//	renderer            Stage, SwapGroups
package runner
