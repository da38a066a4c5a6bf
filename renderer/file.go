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

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
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
func (c Change) String() string { return [...]string{"unchanged", "repaired", "replaced"}[c] }

// A Stream is one of the process's own that files are written to.
type Stream int

// The streams.
const (
	NoStream Stream = iota
	Stdout
	Stderr
)

const maxLinks = 40 // how many links are followed on the way to a stream

// StreamOf tells which stream a path leads to, through whatever links:
// /dev/stdout, /dev/fd/1, /proc/self/fd/1 and so on. Such a destination must be
// written to (File.Stream): to replace it would change the machine for all.
func StreamOf(path string) Stream {
	path, err := filepath.Abs(path)
	if err != nil {
		return NoStream
	}
	for range maxLinks {
		if s := streamNamed(path); s != NoStream {
			return s
		}
		target, err := os.Readlink(path)
		if err != nil {
			return NoStream
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return NoStream
		}
		if s := streamNamed(filepath.Join(dir, filepath.Base(path))); s != NoStream {
			return s
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return NoStream
}

func streamNamed(path string) Stream {
	switch base := filepath.Base(path); filepath.Dir(path) {
	case "/dev":
		return map[string]Stream{"stdout": Stdout, "stderr": Stderr}[base]
	case "/dev/fd", "/proc/self/fd", "/proc/thread-self/fd", "/proc/" + strconv.Itoa(os.Getpid()) + "/fd":
		return map[string]Stream{"1": Stdout, "2": Stderr}[base]
	}
	return NoStream
}
