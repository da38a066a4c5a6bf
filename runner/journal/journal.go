// Package journal keeps, in a state directory, what each bundle was to be and what
// was applied last, so that after a crash or a restart a reload that has not succeeded
// is repeated, and a swap of several files is completed or undone. It also keeps the
// last generations of a bundle's files.
//
// For a bundle with a swap of several files the calls are [Journal.Begin],
// [Journal.Swapped], and at the end [Journal.Applied] or [Journal.Undone]; for
// one whose files each go in place by themselves, [Journal.Owe] and
// [Journal.Applied]. [Journal.Recover] comes before all of them.
//
// The directory is locked, where the system has locks, from the first use until
// Close, on Linux also after somebody has removed it; the next write makes it again.
// A directory that belongs to another user, or that others may write to, is not used.
// Methods may be called concurrently. Begin and Owe return when their record is on
// stable storage, which costs one fsync (two for the first of a bundle). The records
// of others survive the process, but not a loss of power in the next seconds; then a
// reload is repeated.
//
// Damaged state counts as unknown. Where nothing can be written, reading still
// works. The next change of a bundle writes what could not be written before.
//
// The directory holds, all with mode 0600 or 0700:
//
//	configuration               the files that it is about, a line each
//	lock                        locked by the process that has the directory, whose id it holds
//	bundles/NAME.jsonl          a bundle's state: the last whole line counts
//	history/NAME/NUMBER.json    a generation
//	rejected/NAME/              the files that were rejected last, and the REASON
//
// A NAME begins like the bundle's and ends in a hash of it. A file that is
// damaged is renamed to end in .damaged.
package journal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"restencil/renderer/atomicfile"
	"restencil/runner/journal/dirlock"
	"restencil/runner/journal/disk"
	"restencil/runner/journal/history"
	"restencil/runner/journal/swap"
)

// ErrInUse is the error when another process has the state directory.
var ErrInUse = dirlock.ErrInUse

// Options say what a Journal keeps.
type Options struct {
	// Generations is how many are kept of each bundle. Zero: none.
	Generations int

	// Owner is the absolute paths of the configuration that the directory belongs
	// to, for [Owner]. Nil: unknown.
	Owner []string

	// ReadOnly takes no lock and changes nothing, beside the process that has the
	// directory. Methods that write fail.
	ReadOnly bool

	// Warn is called with damage to files. It must not call the Journal. Nil: the
	// damage is ignored.
	Warn func(error)

	// Remade is called after a directory that somebody had removed was made again.
	// It must not call the Journal. Nil: it is not called.
	Remade func()
}

// A State is the state of a bundle.
type State struct {
	// Desired is the hash of what its files were to be, and Applied of what the
	// command has loaded; both "" where unknown. Where they differ, a reload is
	// owed.
	Desired string `json:"desired,omitempty"`
	Applied string `json:"applied,omitempty"`

	// Files are the destinations that changed since Applied, sorted.
	Files []string `json:"files,omitempty"`

	// Elements are the files of the elements of a template, sorted (see Journal.Elements).
	Elements []string `json:"elements,omitempty"`

	// Unknown reports that the file was damaged. A reload is owed then.
	Unknown bool `json:"-"`

	Verdict
}

// A Verdict is what was decided about changes of a bundle, which are identified by
// their hashes. The zero Verdict is none.
type Verdict struct {
	Rejected string    `json:"rejected,omitempty"` // it failed
	Reason   string    `json:"reason,omitempty"`
	Attempts int       `json:"attempts,omitempty"`
	Retry    time.Time `json:"retry,omitzero"`
	Pinned   string    `json:"pinned,omitempty"`   // it was rolled back
	Accepted string    `json:"accepted,omitempty"` // though a guard objects
	Held     string    `json:"held,omitempty"`     // why the newest change is not made
}

// Owed reports whether a reload is owed.
func (s State) Owed() bool { return s.Unknown || s.Desired != "" && s.Desired != s.Applied }

// A Journal is a state directory.
type Journal struct {
	dir     string
	bundles string // the directory of their files
	options Options
	disk    disk.Disk

	mu      sync.Mutex
	lock    *dirlock.Lock
	entries map[string]*entry // by bundle; only while it is
}

// New returns the journal in dir. The first write makes the directory.
func New(dir string, o Options) *Journal {
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	return &Journal{
		dir: dir, bundles: filepath.Join(dir, "bundles"), options: o, disk: disk.Disk{ReadOnly: o.ReadOnly, Warn: o.Warn},
		lock: dirlock.New(dir), entries: make(map[string]*entry),
	}
}

const (
	claimLimit = time.Second // how long Claim tries
	claimGap   = 10 * time.Millisecond
)

// Claim makes and locks the directory before there is anything to write. Where another
// process has it, Claim tries again for a moment: one that was killed has it until a child
// that it was starting runs its program, and one that lists directories while it looks.
func (j *Journal) Claim(ctx context.Context) error {
	for began := time.Now(); ; {
		j.mu.Lock()
		err := j.lockToWrite()
		j.mu.Unlock()
		if !errors.Is(err, ErrInUse) || time.Since(began) >= claimLimit {
			return err
		}
		select {
		case <-time.After(claimGap):
		case <-ctx.Done():
			return err
		}
	}
}

// Close releases the directory. The Journal must not be used after that.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lock.Close()
}

// State returns the state of a bundle, the zero State for one that has none.
func (j *Journal) State(bundle string) (State, error) {
	e, err := j.enter(bundle, j.lockToRead)
	if err != nil {
		return State{}, err
	}
	defer e.mu.Unlock()
	return e.record.State, nil
}

// Begin records moves that are about to be made, to files of the hash desired. They
// must have been staged. From now on a reload is owed, unless Undone comes before
// Swapped. With trial the moves are undone after a crash before Applied, since the new
// files have not been verified. What an earlier swap of the bundle has left beside its
// destinations is removed.
func (j *Journal) Begin(bundle, desired string, trial bool, moves []swap.Move) error {
	prepared, err := swap.Prepare(moves)
	if err != nil {
		return err
	}
	files := (&swap.Swap{Moves: moves}).Paths()
	return j.update(bundle, durable, func(e *entry) {
		r := &e.record
		r.swap().Tidy(j.disk, prepared)
		before := r.State
		before.Verdict = Verdict{}
		r.owe(desired, files)
		r.Swap = &swapRecord{swap.Swap{Trial: trial, Moves: prepared}, before}
	})
}

// Swapped records that all moves have been made.
func (j *Journal) Swapped(bundle string) error {
	return j.update(bundle, soon, func(e *entry) {
		if e.record.Swap != nil {
			done := *e.record.Swap
			done.Done = true
			e.record.Swap = &done
		}
	})
}

// Undone records that all files are as they were before Begin and, after Swapped, that
// they have been loaded again: nothing is owed. Without Swapped, what was owed before
// Begin is owed still. What is left beside the destinations is removed.
func (j *Journal) Undone(bundle string) error {
	return j.update(bundle, soon, func(e *entry) {
		r := &e.record
		r.swap().Tidy(j.disk, nil)
		switch {
		case r.Swap == nil:
			r.apply(r.Applied)
		case r.Swap.Done:
			r.apply(r.Swap.Before.Desired)
		default:
			r.set(r.Swap.Before)
		}
	})
}

// Applied records that the files of this hash have been loaded: nothing is owed. What
// is left beside the destinations is removed. The files, where given, make a new
// generation, unless the newest has the same hash; the oldest beyond
// Options.Generations are removed. It returns the number of the newest, 0 without files.
func (j *Journal) Applied(bundle, hash string, files []history.File) (newest int, err error) {
	var historyErr error
	err = j.update(bundle, soon, func(e *entry) {
		if files != nil {
			newest, historyErr = e.history.Add(hash, files, j.options.Generations)
		}
		e.record.swap().Tidy(j.disk, nil)
		e.record.apply(hash)
	})
	if err == nil && historyErr != nil {
		err = j.failed(historyErr)
	}
	return newest, err
}

// Owe records that a reload is owed: these files are about to change, each by itself,
// to the hash desired.
func (j *Journal) Owe(bundle, desired string, files []string) error {
	return j.update(bundle, durable, func(e *entry) { e.record.owe(desired, files) })
}

// Remember records a verdict in place of the one before.
func (j *Journal) Remember(bundle string, v Verdict) error {
	return j.update(bundle, durable, func(e *entry) { e.record.Verdict = v })
}

// History returns the generations of a bundle without their contents, the
// oldest first.
func (j *Journal) History(bundle string) ([]history.Generation, error) {
	e, err := j.enter(bundle, j.lockToRead)
	if err != nil {
		return nil, err
	}
	defer e.mu.Unlock()
	return e.history.List()
}

// Generation returns a generation of a bundle, 0: that before the newest, with the contents of
// all files that are not secret. If there is none of this number the error is fs.ErrNotExist.
func (j *Journal) Generation(bundle string, number int) (history.Generation, error) {
	e, err := j.enter(bundle, j.lockToRead)
	if err != nil {
		return history.Generation{}, err
	}
	defer e.mu.Unlock()
	return e.history.Generation(number)
}

// KeepRejected keeps files of a bundle that were rejected, and the reason, in place of
// those before. It returns the directory. Secret files are left out.
func (j *Journal) KeepRejected(bundle, reason string, files []history.File) (dir string, err error) {
	e, err := j.enter(bundle, j.lockToWrite)
	if err != nil {
		return "", err
	}
	defer e.mu.Unlock()
	dir = filepath.Join(j.dir, "rejected", fileName(bundle))
	if err := history.Reject(j.disk, dir, reason, files); err != nil {
		return "", j.failed(err)
	}
	return dir, nil
}

// DefaultDir returns where state directories are by default: for root
// /var/lib/restencil; else restencil in $XDG_STATE_HOME or in ~/.local/state; "" if
// there is no home.
func DefaultDir(lookupEnv func(string) (string, bool), uid int) string {
	if uid == 0 {
		return "/var/lib/restencil"
	}
	// One that is relative is to be ignored, the specification says.
	if state, _ := lookupEnv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "restencil")
	}
	if home, _ := lookupEnv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "restencil")
	}
	return ""
}

func ownerFile(dir string) string { return filepath.Join(dir, "configuration") }

// Owner returns Options.Owner of the state directory dir, nil where it is unknown.
func Owner(dir string) []string {
	text, err := atomicfile.ReadFile(ownerFile(dir))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// fileName returns a name for the files of a bundle: safe on every file system, also
// one without case, and unique.
func fileName(bundle string) string {
	base := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, strings.ToLower(bundle))
	hash := sha256.Sum256([]byte(bundle))
	return base[:min(len(base), 48)] + "." + hex.EncodeToString(hash[:8])
}

// lockToRead locks the directory, if there is one. Called with mu held.
func (j *Journal) lockToRead() error {
	if j.lock.Held() || j.options.ReadOnly {
		return nil
	}
	err := j.lock.Take(false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // nobody has written here yet
	case errors.Is(err, dirlock.ErrInUse), errors.Is(err, dirlock.ErrUntrusted):
		return j.failed(err)
	case err != nil:
		return fmt.Errorf("cannot read the state directory: %w", err)
	}
	return nil
}

// lockToWrite makes and locks the directory. Called with mu held.
func (j *Journal) lockToWrite() error {
	if j.options.ReadOnly {
		return j.failed(errors.New("it was opened for reading"))
	}
	moved := j.lock.Moved()
	if moved || !j.lock.Held() {
		if err := j.disk.Mkdir(j.dir); err != nil {
			return j.failed(err)
		}
		if err := j.lock.Take(true); err != nil {
			return j.failed(err)
		}
	}
	if err := j.disk.Mkdir(j.bundles); err != nil {
		return j.failed(err)
	}
	if _, err := os.Stat(ownerFile(j.dir)); errors.Is(err, fs.ErrNotExist) && j.options.Owner != nil {
		if err := j.disk.Replace(ownerFile(j.dir), []byte(strings.Join(j.options.Owner, "\n")+"\n")); err != nil {
			return j.failed(err)
		}
	}
	if moved && j.options.Remade != nil {
		j.options.Remade()
	}
	return nil
}

// failed returns err with what it means and what to do.
func (j *Journal) failed(err error) error {
	switch {
	case errors.Is(err, dirlock.ErrInUse):
		return fmt.Errorf("cannot use the state directory %s: %w: "+
			"stop it, or give this one another directory with state_dir", j.dir, err)
	case errors.Is(err, dirlock.ErrUntrusted):
		return fmt.Errorf("cannot use the state directory %s: %w", j.dir, err)
	}
	return fmt.Errorf("cannot write to the state directory %s: %w: "+
		"make it writable, or set state_dir to another directory or to \"none\"", j.dir, err)
}

// A Recovery is the recovery of a bundle's swap.
type Recovery struct {
	Bundle    string
	Completed bool     // the swap was completed; else it was undone
	Files     []string // the destinations of the swap, absolute
	Err       error    // why that failed; some files may be old and some new
}

// Recover completes or undoes the swaps that a crash has interrupted, before anything
// else is done. A swap is completed where all that it needs is there, and else undone;
// it is also undone where no file had been replaced yet, or the old files were being
// put back. If a file had been replaced, a reload is owed now; else only what was owed
// before. What is left beside the destinations is removed.
//
// The failure of a bundle does not keep others from being recovered, and Recover may
// be called again. The error is about the whole directory.
func (j *Journal) Recover() ([]Recovery, error) {
	if j.options.ReadOnly {
		return nil, j.failed(errors.New("it was opened for reading"))
	}
	records, err := j.records(j.disk.Damaged)
	if err != nil {
		return nil, err
	}
	var all []Recovery
	for _, r := range records {
		if r.Swap == nil {
			continue
		}
		rec, err := j.recover(r.Bundle)
		if err != nil {
			return all, err
		}
		if rec != nil {
			all = append(all, *rec)
		}
	}
	return all, nil
}

// recover recovers one bundle; nil: no file was changed.
func (j *Journal) recover(bundle string) (*Recovery, error) {
	e, err := j.enter(bundle, j.lockToRead)
	if err != nil {
		return nil, err
	}
	defer e.mu.Unlock()
	s := e.record.swap()
	if s == nil {
		return nil, nil
	}
	outcome, err := s.Recover(j.disk)
	if err == nil {
		r := &e.record
		switch before := r.Swap.Before; outcome {
		case swap.Cancelled:
			r.set(before)
		case swap.Undone, swap.Restored: // nobody knows what has been loaded
			r.Desired, r.Applied = cmp.Or(before.Desired, r.Desired), ""
		}
		r.Swap = nil
		if err = e.save(j.disk, durable); err != nil {
			err = j.failed(err)
		}
	}
	if err == nil && (outcome == swap.Settled || outcome == swap.Restored || len(s.Moves) == 0) {
		return nil, nil
	}
	return &Recovery{Bundle: bundle, Completed: outcome == swap.Completed, Files: s.Paths(), Err: err}, nil
}

// Bundles returns the names of all bundles, sorted.
func (j *Journal) Bundles() ([]string, error) {
	records, err := j.records(nil)
	var names []string
	for _, r := range records {
		if !strings.HasPrefix(r.Bundle, forEach) {
			names = append(names, r.Bundle)
		}
	}
	slices.Sort(names)
	return names, err
}

// Owing returns the bundles for which a reload is owed, with the changed files.
func (j *Journal) Owing() (map[string][]string, error) {
	records, err := j.records(nil)
	owing := make(map[string][]string)
	for _, r := range records {
		if r.Owed() {
			owing[r.Bundle] = r.Files
		}
	}
	return owing, err
}

// records returns the records on disk of all bundles. It calls damaged for each file
// that holds none, unless damaged is nil: the file may be being written.
func (j *Journal) records(damaged func(path string, why error)) ([]record, error) {
	j.mu.Lock()
	err := j.lockToRead()
	j.mu.Unlock()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(j.bundles)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the state directory: %w", err)
	}
	var all []record
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".jsonl" {
			continue
		}
		path := filepath.Join(j.bundles, entry.Name())
		r, _, _, err := read(path)
		switch {
		case err == nil:
			all = append(all, r)
		case errors.As(err, &damageError{}):
			if damaged != nil {
				damaged(path, err)
			}
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return all, nil
}

// Forget removes the bundles for which unused returns true, given when their state
// has changed last. A bundle with a swap that is to be completed or undone stays.
func (j *Journal) Forget(unused func(bundle string, changed time.Time) bool) error {
	records, err := j.records(nil)
	for _, r := range records {
		if r.Swap != nil || len(r.Elements) > 0 || !unused(r.Bundle, r.Time) {
			continue
		}
		e, enterErr := j.enter(r.Bundle, j.lockToWrite)
		if enterErr != nil {
			return enterErr
		}
		e.record, e.size, e.behind = record{Version: version, Bundle: r.Bundle}, 0, false
		rejected := filepath.Join(j.dir, "rejected", fileName(r.Bundle))
		err = errors.Join(err, j.disk.Remove(e.path), os.RemoveAll(e.history.Dir), os.RemoveAll(rejected))
		e.mu.Unlock()
	}
	if err != nil {
		return j.failed(err)
	}
	return nil
}
