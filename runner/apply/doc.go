// Package apply puts the files of a bundle in place as one transaction: they
// are staged, checked, swapped together, the program that reads them is
// reloaded and verified. Where a step before the swap fails, nothing at the
// destinations has changed, not even an inode; where one after it fails, the old
// files can be put back.
//
// The package decides nothing about when: the runner calls [Apply] with all that
// a change needs, one call a bundle at a time, from a goroutine of the bundle's
// own.
package apply
