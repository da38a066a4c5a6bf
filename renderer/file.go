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

	// Dir is the directory of Path, opened. The file is reached by way of that,
	// whatever Path leads to meanwhile, and must not be a symbolic link. Nil:
	// it is reached by its path. It must stay open until the file has been
	// discarded or put back, and a directory that is missing is not made.
	Dir *os.Root

	// Stream takes the content at Swap, in one Write, in place of a file. Path
	// is its name then, and only Content and Shown count. What was written
	// cannot be put back.
	Stream io.Writer

	// Shown says that Stream has been given Content already.
	Shown bool

	// Content is all that the file holds. It must not change until the file
	// has been swapped or discarded.
	Content []byte

	// Perm are the permission bits, with fs.ModeSetuid, fs.ModeSetgid and
	// fs.ModeSticky where wanted; other bits are ignored. Zero keeps those of
	// the file that is there, and is 0644 for a new one. The umask does not
	// apply (COMPAT 4.9).
	Perm fs.FileMode

	// User and Group are names or decimal ids. "" keeps the owner of the
	// file that is there, and is the process's own for a new one.
	User, Group string

	// NoParents refuses to create missing parent directories, which are
	// otherwise made.
	NoParents bool

	// DirPerm are the permission bits of parent directories that are made;
	// those that are there keep theirs. The umask does not apply, and a set
	// group id that a directory inherits stays. Zero: 0755 less the umask.
	DirPerm fs.FileMode

	// Backup keeps the content that was replaced as Path + ".bak".
	Backup bool

	// Differs says that the destination is known to hold other bytes, so that
	// it need not be read.
	Differs bool

	// Keep keeps what SwapGroups replaces beside the destination, under a
	// temporary name, until Restore or Discard. Restore needs it. The
	// function Keep does so before SwapGroups.
	Keep bool
}

func (f File) dir() dir { return dir{f.Dir} }

// A Change says what became of a file.
type Change int

const (
	// Unchanged: bytes, mode and owner were right already; nothing was done.
	Unchanged Change = iota
	// Repaired: the bytes were right, the mode or owner was set right.
	Repaired
	// Replaced: the file has new bytes, or is new.
	Replaced
)

// String returns the change in one word.
func (c Change) String() string {
	switch c {
	case Unchanged:
		return "unchanged"
	case Repaired:
		return "repaired"
	case Replaced:
		return "replaced"
	}
	return "unknown"
}
