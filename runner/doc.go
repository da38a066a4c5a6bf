// Package runner is the loop that joins the others: it takes the newest
// answers from the watch plane, re-executes the templates that they touch,
// puts the files in place and runs the commands that belong to them.
//
// One goroutine owns all state ([Runner.Run]). What takes time runs beside it
// and reports back: the sources in the watch plane, one worker for commands,
// and the supervisor of the child. What happens is told as typed events (see [Event]); logs, pages
// and metrics are made from those alone.
package runner
