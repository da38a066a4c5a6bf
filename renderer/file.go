package renderer

import (
	"io"
	"io/fs"
	"os"
)

// A File says what a path is to hold.
type File struct {
	// Path is the destination. Required; a relative one is relative to the
	// working directory.
	Path string

	// Dir is the directory of Path, opened. The file is then accessed through it,
	// wherever Path leads now, must not be a symbolic link, and a missing directory
	// is not made. Dir must stay open until the file was discarded or restored.
	// Nil: the file is accessed by its path.
	Dir *os.Root

	// Stream takes the content at the swap, in one Write, in place of a file. Path is
	// only its name then, and of the other fields Content and Shown count. What was
	// written cannot be restored.
	Stream io.Writer

	// Shown says that Content was written to Stream already.
	Shown bool

	// Content is the whole content. It must not change until the file was swapped or
	// discarded.
	Content []byte

	// Remove says that there is to be no file at Path. What is there goes with the swap,
	// and Restore puts it back. The fields about content and attributes do not count.
	Remove bool

	// Perm are the permission bits, with fs.ModeSetuid, fs.ModeSetgid and
	// fs.ModeSticky where wanted; other bits are ignored. Zero keeps those of
	// the existing file, and is 0644 for a new one. The umask does not apply
	// (COMPAT 4.9).
	Perm fs.FileMode

	// User and Group are names or decimal ids. "" keeps the owner of the existing
	// file, and is that of this process for a new one.
	User, Group string

	// NoParents does not make missing parent directories.
	NoParents bool

	// DirPerm are the permission bits of parent directories that are made. The umask
	// does not apply, and a directory keeps the set-group-id bit that it inherits.
	// Zero: 0755 less the umask.
	DirPerm fs.FileMode

	// Backup keeps the replaced content as Path + ".bak".
	Backup bool

	// Differs says that the destination is known to hold other bytes, so that
	// it need not be read.
	Differs bool

	// Keep keeps what SwapGroups replaces beside the destination, under a temporary
	// name, until Restore or Discard. Restore needs it. The function Keep does so
	// before SwapGroups.
	Keep bool
}

// A Change is what was done to a file.
type Change int

const (
	Unchanged Change = iota // nothing: bytes, mode and owner were right
	Repaired                // mode or owner were set; the bytes were right
	Replaced                // the file has new bytes, or is new
)

// String returns c in one word.
func (c Change) String() string { return [...]string{"unchanged", "repaired", "replaced"}[c] }
