// Package renderer makes files hold given bytes with a given mode and owner,
// all at once.
//
// A change goes in two steps. [Stage] compares a [File] with what is on disk
// and, where they differ, writes the new content beside the destination under
// a dot-prefixed temporary name, with mode and owner already right and the
// bytes already on stable storage. [SwapGroups] then renames all that was staged
// into place and makes the renames durable: of each group of files that belong
// together, all or none. Until then, nothing that a reader of the destination
// could see has changed; whoever opens the destination at any time sees a whole
// file, the old one or the new, and never one with a wider mode or another owner
// than was asked for. [Restore] puts back what was replaced, and [Keep] sees to it
// beforehand that it can. [Write] is both steps for a single file.
//
// One kind of destination cannot be replaced by a rename: a mount point, as a
// single file that was mounted into a container is. It is written in place,
// keeping its inode, and [Result.InPlace] says so; a reader may then see it
// half written. A symbolic link, on the other hand, is replaced itself, and
// what it pointed to is left alone (COMPAT 4.9).
//
// The functions may be called concurrently; those that change a destination
// (SwapGroups, Restore, Write) only for different destinations. On
// Windows a rename is not atomic, there are no owners, and of the mode only
// "read-only" is kept.
//
// Package renderer knows nothing of templates or stores.
package renderer
