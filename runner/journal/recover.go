package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	records, err := j.records(j.setAside)
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

// Bundles returns the names of all bundles that something is known of, sorted.
func (j *Journal) Bundles() ([]string, error) {
	records, err := j.records(passOver)
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

// records returns those of all bundles that have one on disk. What cannot be
// read is left out, unless refuse returns an error for it.
func (j *Journal) records(refuse func(error) error) ([]record, error) {
	if err := j.toRead(); err != nil {
		return nil, err
	}
	paths, err := os.ReadDir(j.bundlesDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the state directory: %w", err)
	}
	var all []record
	for _, p := range paths {
		if filepath.Ext(p.Name()) != ".jsonl" {
			continue
		}
		r, _, _, err := read(filepath.Join(j.bundlesDir(), p.Name()))
		if err = refuse(err); err != nil {
			return nil, err
		}
		if r != nil {
			all = append(all, *r)
		}
	}
	return all, nil
}

// passOver returns err, unless it is a damage: the file may be being written.
func passOver(err error) error {
	if _, ok := err.(*damage); ok {
		return nil
	}
	return err
}

func (j *Journal) toRead() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lockToRead()
}

// recover puts one bundle right; nil where no file needed it.
func (j *Journal) recover(bundle string) (*Recovery, error) {
	e, err := j.reading(bundle)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := j.load(e); err != nil || e.record.Swap == nil {
		return nil, err
	}
	seen := see(e.record.Swap.Moves)
	v := judge(e.record.Swap, seen)
	rec := &Recovery{Bundle: bundle, Completed: v == complete, Files: destinations(seen)}
	if rec.Err = j.carryOut(v, seen); rec.Err == nil {
		e.record.settle(v)
		rec.Err = j.save(e, durable)
	}
	if rec.Err == nil && (v == settled || len(seen) == 0) {
		return nil, nil
	}
	return rec, nil
}

// carryOut does what a verdict says. Where it fails, nothing is removed that
// may still be needed.
func (j *Journal) carryOut(v verdict, seen []sight) error {
	var err error
	switch v {
	case complete:
		err = j.each(seen, "complete", j.make)
	case undo:
		err = j.each(backward(seen), "undo", j.takeBack)
	case mixed:
		err = errors.New("some files are old and some new: " +
			"what was staged is no longer there, and neither is what was kept")
	}
	if err != nil {
		return err
	}
	for _, s := range seen {
		j.clear(s.move)
	}
	return nil
}

func backward(seen []sight) []sight {
	seen = slices.Clone(seen)
	slices.Reverse(seen)
	return seen
}

// each calls do for all that was seen and makes durable what it did.
func (j *Journal) each(seen []sight, word string, do func(sight) error) error {
	var errs []error
	for _, s := range seen {
		if err := do(s); err != nil {
			errs = append(errs, fmt.Errorf("cannot %s the change of %s: %w", word, s.Path, err))
		}
	}
	errs = append(errs, j.syncAll(seen))
	return errors.Join(errs...)
}

// make puts the new content of s in place.
func (j *Journal) make(s sight) error {
	if s.temp != s.New {
		return nil
	}
	return j.disk.put(s.Temp, s.Path)
}

// takeBack puts the old content of s in place.
func (j *Journal) takeBack(s sight) (err error) {
	switch {
	case s.untouched():
		return nil
	case s.Old == nothing:
		return j.disk.remove(s.Path)
	}
	return j.disk.put(s.Kept, s.Path)
}

// syncAll puts the changed directories on stable storage.
func (j *Journal) syncAll(seen []sight) error {
	var dirs []string
	for _, s := range seen {
		dirs = union(dirs, []string{filepath.Dir(s.Path)})
	}
	for _, dir := range dirs {
		if err := j.disk.syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// tidy removes what w has left beside the destinations, but for what the next
// moves are about.
func (j *Journal) tidy(w *swap, next []move) {
	if w == nil {
		return
	}
	for _, m := range w.Moves {
		needed := slices.ContainsFunc(next, func(n move) bool {
			return n.Temp == m.Temp || n.Kept != "" && n.Kept == m.Kept
		})
		if !needed {
			j.clear(m)
		}
	}
}

// clear removes what m has left. A file that stays does no harm, as no program
// includes one of such a name.
func (j *Journal) clear(m move) {
	_ = j.disk.remove(m.Temp)
	if m.Kept != "" {
		_ = j.disk.remove(m.Kept)
	}
}
