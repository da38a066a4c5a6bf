// Package swap completes or undoes a swap of several files that a crash cut in two.
//
// [Look] notes, before the first file is replaced, what is at each destination and
// what is to be there. [Swap.Recover] compares that with what is there after the
// crash.
package swap

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"restencil/renderer"
	"restencil/runner/journal/disk"
)

// A Swap is one that is under way, or may have left files beside the destinations.
type Swap struct {
	Done  bool   `json:"done,omitempty"`  // all moves have been made
	Trial bool   `json:"trial,omitempty"` // the moves are undone if the new files turn out bad
	Moves []Move `json:"moves"`
}

// A Move is the replacement of one file.
type Move struct {
	Path string `json:"path"`

	// Temp is where the staged content is, beside Path. It is renamed to Path.
	Temp string `json:"temp"`

	// Kept is the name, also beside Path, under which the old file will be kept; ""
	// where there is none. It need not be there before the swap.
	Kept string `json:"kept,omitempty"`

	// Old is what is at Path before the move, and New what is at Temp. Look sets
	// them.
	Old Content `json:"old,omitempty"`
	New Content `json:"new"`
}

// Look returns moves that have not been made yet with absolute names, and with
// what is at each of them.
func Look(moves []Move) ([]Move, error) {
	looked := make([]Move, len(moves))
	known := make(map[string]bool)
	for i, m := range moves {
		err := m.look()
		if err == nil && known[m.Path] {
			err = errors.New("it is changed twice")
		}
		if err != nil {
			return nil, fmt.Errorf("cannot note the change of %s: %w", m.Path, err)
		}
		known[m.Path] = true
		looked[i] = m
	}
	return looked, nil
}

func (m *Move) look() (err error) {
	for _, name := range []*string{&m.Path, &m.Temp, &m.Kept} {
		if *name == "" {
			continue
		}
		if *name, err = filepath.Abs(*name); err != nil {
			return err
		}
	}
	if m.Old, err = contentOf(m.Path); err != nil {
		return err
	}
	if m.New, err = contentOf(m.Temp); err != nil {
		return err
	}
	return m.check()
}

// Check fails where a move has other names than those of temporary files: what
// they name is renamed and removed.
func (s *Swap) Check() error {
	for _, m := range s.Moves {
		if err := m.check(); err != nil {
			return err
		}
	}
	return nil
}

func (m *Move) check() error {
	if !filepath.IsAbs(m.Path) || m.New == nothing {
		return fmt.Errorf("no path or content in the move to %q", m.Path)
	}
	names := []string{m.Temp}
	if m.Kept != "" {
		names = append(names, m.Kept)
	}
	for _, name := range names {
		if filepath.Dir(name) != filepath.Dir(m.Path) || !renderer.IsTemp(name) {
			return fmt.Errorf("%q is no name for a temporary file beside %s", name, m.Path)
		}
	}
	return nil
}

// Paths returns the destinations.
func (s *Swap) Paths() []string {
	var paths []string
	for _, m := range s.Moves {
		paths = append(paths, m.Path)
	}
	return paths
}

// Recover completes or undoes a swap that a crash may have cut in two, and removes
// what it has left beside the destinations. If it fails, nothing is removed that may
// still be needed.
func (s *Swap) Recover(d disk.Disk) (Outcome, error) {
	now := observe(s.Moves)
	o := decide(s, now)
	var errs []error
	switch o {
	case Completed:
		for _, m := range now {
			if m.temp == m.New {
				errs = append(errs, failed("complete", m, d.Rename(m.Temp, m.Path)))
			}
		}
	case Undone:
		for _, m := range slices.Backward(now) {
			switch {
			case m.untouched():
			case m.isNew():
				errs = append(errs, failed("undo", m, d.Remove(m.Path)))
			default:
				errs = append(errs, failed("undo", m, d.Rename(m.Kept, m.Path)))
			}
		}
	case Mixed:
		errs = append(errs, errors.New("some files are old and some new: "+
			"what was staged is no longer there, and neither is what was kept"))
	}
	if o == Completed || o == Undone {
		errs = append(errs, syncDirs(d, s.Paths()))
	}
	if err := errors.Join(errs...); err != nil {
		return o, err
	}
	s.Tidy(d, nil)
	return o, nil
}

func failed(word string, m observed, err error) error {
	if err != nil {
		err = fmt.Errorf("cannot %s the change of %s: %w", word, m.Path, err)
	}
	return err
}

// syncDirs puts the directories of paths on stable storage.
func syncDirs(d disk.Disk, paths []string) error {
	synced := make(map[string]bool)
	for _, path := range paths {
		dir := filepath.Dir(path)
		if synced[dir] {
			continue
		}
		if err := d.SyncDir(dir); err != nil {
			return err
		}
		synced[dir] = true
	}
	return nil
}

// Tidy removes what s has left beside the destinations, except what the next moves
// need. A file that stays does no harm: no program includes one of such a name. A
// nil Swap has left nothing.
func (s *Swap) Tidy(d disk.Disk, next []Move) {
	if s == nil {
		return
	}
	for _, m := range s.Moves {
		needed := slices.ContainsFunc(next, func(n Move) bool {
			return n.Temp == m.Temp || n.Kept != "" && n.Kept == m.Kept
		})
		if needed {
			continue
		}
		_ = d.Remove(m.Temp)
		if m.Kept != "" {
			_ = d.Remove(m.Kept)
		}
	}
}
