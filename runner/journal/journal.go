// Package journal remembers, in a state directory, what each bundle was to be
// and what was applied last, so that a reload that failed or was interrupted is
// made good after a crash or a restart, one that succeeded is not repeated, and
// a swap of several files that a crash cut in two is completed or undone. It
// also keeps the last generations of a bundle's files.
//
// For a bundle with a swap of several files the calls are [Journal.Begin],
// [Journal.Swapped], and at the end [Journal.Applied] or [Journal.Undone]; for
// one whose files each go in place by themselves, [Journal.Owe] and
// [Journal.Applied]. [Journal.Recover] comes before all of them.
//
// A Journal is for one process: the directory is locked, where the system has
// locks, from the first use until Close, on Linux also while somebody has removed
// it; the next write makes it anew. One that belongs to another user, or that
// others may write to, is not used. Its methods may be called concurrently. Begin and Owe return when what they note is on stable storage,
// which costs one fsync (two for the first of a bundle). What the others note
// outlives the process at once, but a loss of power may take it back for some
// seconds; then a reload is owed that has been done.
//
// Nothing that is wrong with the directory is fatal. What is damaged counts as
// unknown. Where nothing can be written, reading works on, and each write
// returns an error for the caller to tell and to go on; what a journal has
// failed to write it writes with the next change of the same bundle.
//
// The directory holds, all with mode 0600 or 0700:
//
//	lock                        locked by the process that has the directory, whose id it holds
//	bundles/NAME.jsonl          a bundle's state: the last whole line counts
//	history/NAME/NUMBER.json    a generation
//	rejected/NAME/              the files that were proven bad last, and the REASON
//
// A NAME begins like the bundle's and ends in a hash of it. A file that is
// damaged is renamed to end in .damaged.
package journal

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"restencil/runner/journal/dirlock"
)

// ErrInUse is why nothing can be read or written: another process has the
// state directory.
var ErrInUse = dirlock.ErrInUse

// Options say what is kept.
type Options struct {
	// Generations is how many sets of files are kept for each bundle. Zero:
	// none.
	Generations int

	// ReadOnly is for a look beside the process that has the directory: it
	// takes no lock and changes nothing, and all that writes fails.
	ReadOnly bool

	// Warn is told of files that were found damaged. It must not call the
	// Journal. Nil: nobody is told.
	Warn func(error)

	// Remade is called when the directory has been made anew, since somebody had
	// removed it. It must not call the Journal. Nil: nobody is told.
	Remade func()
}

// A Move is the replacement of one file. The names in it are made absolute.
type Move struct {
	// Temp is where the staged content is, beside Path. It is renamed to Path.
	Temp string

	// Kept is under which name what is at Path will be kept, also beside it;
	// "" where nothing is. It need not be there before the swap.
	Kept string

	Path string
}

// A State is what is known of a bundle.
type State struct {
	// Desired is the hash of what its files were to be, and Applied of what
	// the program that reads them has loaded; both "" where unknown. Where
	// they differ, a reload is owed.
	Desired, Applied string

	// Files are the destinations that changed since Applied, sorted.
	Files []string

	// Unknown tells that this is not all: the file was damaged. A reload is owed
	// then, to be safe.
	Unknown bool

	Verdict
}

// A Verdict is what was decided about changes of a bundle, each known by its
// hash. The zero Verdict is none.
type Verdict struct {
	Rejected string    `json:"rejected,omitempty"` // proven bad
	Reason   string    `json:"reason,omitempty"`
	Attempts int       `json:"attempts,omitempty"`
	Retry    time.Time `json:"retry,omitzero"`
	Pinned   string    `json:"pinned,omitempty"`   // somebody rolled back from it
	Accepted string    `json:"accepted,omitempty"` // though a guard objects
}

// Owed tells whether a reload is owed.
func (s State) Owed() bool { return s.Unknown || s.Desired != "" && s.Desired != s.Applied }

// A File is one of a generation.
type File struct {
	Path    string
	Content []byte
	Perm    fs.FileMode
	User    string
	Group   string
	Secret  bool // its content is not kept

	// Size and Sum, the SHA-256 in hexadecimal, are of the content. They are
	// set in what a Journal returns, also where it has not the content.
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

// A Journal is a state directory.
type Journal struct {
	dir     string
	options Options
	disk    disk

	mu      sync.Mutex
	lock    *dirlock.Lock
	entries map[string]*entry // by bundle; only while it is
}

// Open returns the journal in dir, of which the path is required. The
// directory is made by the first write, and need not be there before.
func Open(dir string, o Options) (*Journal, error) {
	if dir == "" {
		return nil, errors.New("the state directory has no name")
	}
	return &Journal{dir: dir, options: o, lock: dirlock.New(dir), entries: make(map[string]*entry)}, nil
}

// Close releases the directory. The Journal must not be used after that.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lock.Close()
}

// State returns what is known of a bundle; of one never heard of, nothing.
func (j *Journal) State(bundle string) (State, error) {
	e, err := j.reading(bundle)
	if err != nil {
		return State{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := j.load(e); err != nil {
		return State{}, err
	}
	st := e.record.state()
	st.Unknown = e.unknown
	return st, nil
}

// Begin notes that moves are about to be made, after which the bundle is as
// the hash desired says. The staged contents must be there. From now on a
// reload is owed, unless Undone comes before Swapped. With trial the files are
// taken back after a crash that comes before Applied: nobody had seen yet whether
// they are any good. What an earlier swap of the
// bundle has left beside its destinations is removed.
func (j *Journal) Begin(bundle, desired string, trial bool, moves []Move) error {
	looked, err := look(moves)
	if err != nil {
		return err
	}
	return j.update(bundle, durable, func(r *record) {
		j.tidy(r.Swap, looked)
		r.begin(desired, trial, looked)
	})
}

// Swapped notes that all moves have been made.
func (j *Journal) Swapped(bundle string) error {
	return j.update(bundle, soon, (*record).swapped)
}

// Undone notes that all files are as they were before Begin, and if Swapped
// had been called, that a program which had loaded the others has loaded these
// again: nothing is owed. If it had not, what was owed before Begin is owed
// still. What is left beside the destinations is removed.
func (j *Journal) Undone(bundle string) error {
	return j.update(bundle, soon, func(r *record) {
		j.tidy(r.Swap, nil)
		r.undo()
	})
}

// Applied notes that the program which reads the files has loaded those of this
// hash: nothing is owed. What is left beside the destinations is removed. The
// files, where given, make a new generation, unless the newest has the same
// hash; the oldest beyond Options.Generations go.
func (j *Journal) Applied(bundle, hash string, files []File) error {
	var keepErr error
	if files != nil {
		keepErr = j.keep(bundle, hash, files)
	}
	err := j.update(bundle, soon, func(r *record) {
		j.tidy(r.Swap, nil)
		r.apply(hash)
	})
	if err != nil {
		return err
	}
	return keepErr
}

// Owe notes that a command is owed, since these files are about to change, each
// by itself, to what the hash desired says.
func (j *Journal) Owe(bundle, desired string, files []string) error {
	return j.update(bundle, durable, func(r *record) { r.owe(desired, files) })
}

// Remember notes a verdict in place of the one before.
func (j *Journal) Remember(bundle string, v Verdict) error {
	return j.update(bundle, durable, func(r *record) { r.Verdict = v })
}

// Forget removes all that is known of a bundle.
func (j *Journal) Forget(bundle string) error {
	e, err := j.writing(bundle)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := j.load(e); err != nil {
		return err
	}
	j.tidy(e.record.Swap, nil)
	if err := j.disk.remove(e.path); err != nil {
		return j.failed(err)
	}
	if err := os.RemoveAll(j.historyDir(bundle)); err != nil {
		return j.failed(err)
	}
	e.record, e.size, e.behind, e.unknown = newRecord(bundle), 0, false, false
	return nil
}
