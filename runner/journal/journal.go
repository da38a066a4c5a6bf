// Package journal remembers, in a state directory, what each bundle was to be
// and what was applied last, so that a reload that failed or was interrupted is
// made good after a crash or a restart, one that succeeded is not repeated, and
// a swap of several files that a crash cut in two is completed or undone. It
// also keeps the last generations of a bundle's files.
//
// A Journal is for one process: the directory is locked. Its methods may be
// called concurrently, for one bundle one at a time. They return when what they
// note is on stable storage.
package journal

import (
	"io/fs"
	"time"
)

// Options say what is kept.
type Options struct {
	// Generations is how many sets of files are kept for each bundle. Zero:
	// none.
	Generations int
}

// A Move is the replacement of one file.
type Move struct {
	Temp string // the staged content, beside Path, which is renamed to it
	Kept string // under which name what was at Path is kept; "" for nothing
	Path string
}

// A State is what is known of a bundle.
type State struct {
	// Desired is the hash of what its files were to be, and Applied of what
	// the program that reads them has loaded; both "" where unknown. Where
	// they differ, a reload is owed.
	Desired, Applied string

	// Files are the destinations that changed since Applied.
	Files []string
}

// Owed tells whether a reload is owed.
func (s State) Owed() bool { return s.Desired != "" && s.Desired != s.Applied }

// A File is one of a generation.
type File struct {
	Path    string
	Content []byte
	Perm    fs.FileMode
	User    string
	Group   string
	Secret  bool // its content is not kept
}

// A Generation is what a bundle's files were at some time.
type Generation struct {
	Number int // 1 and up, the newest is the largest
	Hash   string
	Time   time.Time
	Files  []File
}

// A Recovery is what Recover has done for a bundle.
type Recovery struct {
	Bundle    string
	Completed bool // the swap was completed; else it was undone
	Files     []string
	Err       error
}

// A Journal is an open state directory.
type Journal struct{}
