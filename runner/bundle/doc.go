// Package bundle puts the files of templates in place and has the program that
// reads them take notice: each change is a transaction.
//
// A [Bundle] is one goroutine, in Run, with its files (package group), its command
// and its entry in the journal. The loop of the runner only gives it the newest
// outputs ([Bundle.Offer], which never waits) and hears from it ([Report]); what
// happens is told as events. A change goes through these steps, in Bundle.change:
//
//	settled   the data has been quiet (Wait), and no guard objects (package group)
//	staged    new content beside the destinations, on stable storage
//	checked   formats, the checks of files, the bundle's check
//	swapped   renamed into place; journaled before
//	reloaded  the command has read the new files
//	verified  the probes hold
//	applied
//
// A step before the swap that fails leaves the destinations untouched. A reload
// or verify that fails puts the old files back, where Rollback says so, and
// reloads again. What failed is tried again.
//
// With the policy Each the steps end with the swap: the command runs beside the
// goroutine, and the commands of all such bundles one after another, in the order
// of their templates, through a [Lane] (COMPAT 4.6.3). With Print the files are
// printed, and only what writeToFile asks for is written.
package bundle
