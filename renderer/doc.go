// Package renderer makes files hold given bytes with a given mode and owner, several
// at once.
//
// A change has two steps. [Stage] compares a [File] with what is on disk. If they
// differ, it writes the new content to stable storage beside the destination, under a
// temporary name that begins with a dot, with the right mode and owner. [SwapGroups]
// then renames the staged files to their destinations, all or none of each group, and
// makes the renames durable. Whoever opens a destination, at any time, sees a whole
// file, the old one or the new, and never one with a wider mode or another owner than
// was asked for. [Restore] puts back what was replaced; [Keep] makes sure beforehand
// that it can. [Write] is both steps for one file.
//
// A mount point, such as a single file that is mounted into a container, cannot be
// replaced by a rename. It is written in place and keeps its inode, and
// [Result.InPlace] is set; a reader may see it half written. A symbolic link is
// replaced itself; its target is left alone (COMPAT 4.9).
//
// The functions may be called concurrently; those that change a destination
// (SwapGroups, Restore, Write) only for different destinations. On Windows a rename is
// not atomic, there are no owners, and the only mode is "read-only".
package renderer
