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
	"errors"
	"io/fs"
	"time"
)

// ErrInUse is why nothing can be read or written: another process has the
// state directory.
var ErrInUse = errors.New("the state directory is in use by another process")

// Options say what is kept.
type Options struct {
	// Generations is how many sets of files are kept for each bundle. Zero:
	// none.
	Generations int

	// ReadOnly is for a look beside the process that has the directory: it
	// takes no lock and changes nothing, and all that writes fails.
	ReadOnly bool

	// Warn is told of what was found damaged and set aside. Nil: nobody is.
	Warn func(error)
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

	// Size and Sum, the SHA-256 in hexadecimal, are of the content. They are
	// set in what a Journal returns, also where the content is not kept.
	Size int64
	Sum  string
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

// Open returns the journal in dir.
func Open(dir string, o Options) (*Journal, error) { return &Journal{}, nil }

// Close releases the directory.
func (j *Journal) Close() error { return nil }

// State returns what is known of a bundle.
func (j *Journal) State(bundle string) (State, error) { return State{}, nil }

// Begin notes that moves are about to be made.
func (j *Journal) Begin(bundle, desired string, moves []Move) error { return nil }

// Swapped notes that they have been made.
func (j *Journal) Swapped(bundle string) error { return nil }

// Undone notes that they have been taken back.
func (j *Journal) Undone(bundle string) error { return nil }

// Applied notes that nothing is owed.
func (j *Journal) Applied(bundle, hash string, files []File) error { return nil }

// Owe notes that a command is owed.
func (j *Journal) Owe(bundle, desired string, files []string) error { return nil }

// Forget removes all that is known of a bundle.
func (j *Journal) Forget(bundle string) error { return nil }

// Recover completes or undoes what a crash has cut in two.
func (j *Journal) Recover() ([]Recovery, error) { return nil, nil }

// History returns a bundle's generations without their contents.
func (j *Journal) History(bundle string) ([]Generation, error) { return nil, nil }

// Generation returns a generation with its contents.
func (j *Journal) Generation(bundle string, number int) (Generation, error) {
	return Generation{}, nil
}

// Bundles returns the names of all bundles that something is known of.
func (j *Journal) Bundles() ([]string, error) { return nil, nil }

// DefaultDir returns where the state directory is.
func DefaultDir(lookupEnv func(string) (string, bool), uid int) string { return "" }
