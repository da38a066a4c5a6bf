// Package group decides what the files of a bundle are to hold and when they
// change. It is pure: it starts no goroutine, reads no clock and changes nothing
// on disk, but it looks at the files that it decides about.
//
// A [Set] has the groups of a bundle. A [Group] is files that go in place all or
// none: all files of a bundle with the policy [Together], and each by itself with
// the others. The bundle drives a Set:
//
//	Take   takes the newest output of a template
//	Due    returns the changes that are to be made now, as Targets. Of the others
//	       it knows when to look again (Next), or why they are held.
//	Done   notes what became of a change: its files are in place, or it failed
//	       and is tried again later, or held
//	News   returns what people, the runner and the journal are to hear
//
// A change is known by its hash, which is made of its destinations and contents.
// A change that fails is tried again after a delay that grows. One that a check
// or probe has rejected twice is held: it is tried rarely, and at once when there
// is other data or somebody accepts it.
package group
