// Package renderer makes files hold given bytes with a given mode and owner,
// all at once.
//
// A change goes in two steps. [Stage] compares a [File] with what is on disk
// and, where they differ, writes the new content beside the destination under
// a dot-prefixed temporary name, with mode and owner already right and the
// bytes already on stable storage. [Swap] then renames all that was staged
// into place and makes the renames durable. Until Swap, nothing that a reader
// of the destination could see has changed; whoever opens the destination at
// any time sees a whole file, the old one or the new.
//
// Package renderer knows nothing of templates or stores.
package renderer
