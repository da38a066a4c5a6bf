// Package bundle puts the files of templates in place and has the program that
// reads them take notice: each change is a transaction.
//
// A [Bundle] is one goroutine, in Run, that owns its files, its command, and all
// that it remembers of them: debounce, retries, holds, and its entry in the
// journal. The loop of the runner only gives it the newest outputs ([Bundle.Offer],
// which never waits) and hears from it ([Report]); what happens is told as events.
//
// # Groups and policies
//
// The files of a bundle go in place in groups, each all or none. With [Together]
// all files are one group: a named bundle. With [Each] every template is a group
// of its own, with the files that it writes by writeToFile: what a plain
// consul-template configuration gets. With [Print] nothing is written but those:
// the outputs are printed (-dry). All else is the same code:
//
//	waiting   for outputs of all templates of the group
//	settling  until the data has been quiet (Wait)
//	guarded   a change that nobody can have meant is held
//	staged    new content beside the destinations, on stable storage
//	checked   formats, the checks of files, the bundle's check
//	swapped   renamed into place; journaled before
//	reloaded  the command has read the new files
//	verified  the probes hold
//	applied
//
// A step before the swap that fails leaves the destinations untouched. A reload
// or verify that fails puts the old files back, where Rollback says so, and
// reloads again. What a check or verify has proven bad is tried once more after
// ten seconds, for what failed may have been passing; then it is held, and tried
// rarely, until there is other data or somebody accepts it. A reload that fails is
// tried again for ever, with a growing delay.
//
// Commands of bundles with the policy Each run one after another, in the order of
// their templates, through a [Lane] that all share (COMPAT 4.6.3).
package bundle
