package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"restencil/runner/journal/swap"
)

// A Recovery is what Recover has done to the files of a bundle.
type Recovery struct {
	Bundle    string
	Completed bool     // the swap was completed; else it was undone
	Files     []string // the destinations of the swap, absolute
	Err       error    // why that failed; some files may be old and some new
}

// Recover puts right, before anything else is done, what a crash has cut in
// two, and returns what that was. A swap is completed where all that it needs
// is there, and else undone; it is also undone where no file had been replaced
// yet, or the process was putting the old files back. If one had been replaced, a
// reload is owed now; else only what was owed before. What is left beside the
// destinations is removed.
//
// A bundle that fails does not hold up the others, and Recover may be called
// again. The error is about the directory as a whole.
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

// recover puts one bundle right; nil: no file needed it.
func (j *Journal) recover(bundle string) (*Recovery, error) {
	e, err := j.enter(bundle, j.lockToRead)
	if err != nil {
		return nil, err
	}
	defer e.mu.Unlock()
	s := e.record.underWay()
	if s == nil {
		return nil, nil
	}
	outcome, err := s.Recover(j.disk)
	if err == nil {
		r := &e.record
		switch before := r.Swap.Before; outcome {
		case swap.Cancelled:
			r.set(before)
		case swap.Undone: // nobody knows what has been loaded
			r.Desired, r.Applied = cmp.Or(before.Desired, r.Desired), ""
		}
		r.Swap = nil
		err = j.save(e, durable)
	}
	if err == nil && (outcome == swap.Settled || len(s.Moves) == 0) {
		return nil, nil
	}
	return &Recovery{Bundle: bundle, Completed: outcome == swap.Completed, Files: s.Paths(), Err: err}, nil
}

// Bundles returns the names of all bundles that something is known of, sorted.
func (j *Journal) Bundles() ([]string, error) {
	records, err := j.records(func(string, error) {}) // the file may be being written
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range records {
		names = append(names, r.Bundle)
	}
	slices.Sort(names)
	return names, nil
}

// Owing returns the bundles for which a reload is owed, with the files for which.
func (j *Journal) Owing() (map[string][]string, error) {
	records, err := j.records(func(string, error) {})
	owing := make(map[string][]string)
	for _, r := range records {
		if r.Owed() {
			owing[r.Bundle] = r.Files
		}
	}
	return owing, err
}

// records returns those of all bundles that have one on disk, and calls damaged for
// each file that holds none.
func (j *Journal) records(damaged func(path string, why error)) ([]record, error) {
	j.mu.Lock()
	err := j.lockToRead()
	j.mu.Unlock()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(j.bundlesDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the state directory: %w", err)
	}
	var all []record
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".jsonl" {
			continue
		}
		path := filepath.Join(j.bundlesDir(), entry.Name())
		r, _, _, err := read(path)
		switch {
		case err == nil:
			all = append(all, r)
		case errors.As(err, &damage{}):
			damaged(path, err)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return all, nil
}

// Forget removes all that is known of the bundles that there are no more: those for
// which gone returns true, given when something was noted last. One with a swap that is to be
// completed or undone stays.
func (j *Journal) Forget(gone func(bundle string, noted time.Time) bool) error {
	records, err := j.records(func(string, error) {})
	for _, r := range records {
		if r.Swap != nil || !gone(r.Bundle, r.Time) {
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
