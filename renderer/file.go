package renderer

import "io/fs"

// A File says what a path is to hold.
type File struct {
	// Path is the destination. Required; a relative one is relative to the
	// working directory.
	Path string

	// Content is all that the file holds.
	Content []byte

	// Perm are the permission bits (0777). Zero keeps those of the file that
	// is there, and is 0644 for a new one. The umask does not apply
	// (COMPAT 4.9).
	Perm fs.FileMode

	// User and Group are names or decimal ids. "" keeps the owner of the
	// file that is there, and is the process's own for a new one.
	User, Group string

	// NoParents refuses to create missing parent directories, which are
	// otherwise made with mode 0755 less the umask.
	NoParents bool

	// Backup keeps the content that was replaced as Path + ".bak".
	Backup bool
}

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
