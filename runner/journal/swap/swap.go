// Package swap completes or undoes a swap of several files that a crash cut in two.
//
// [Look] notes, before the first file is replaced, what is at each destination and
// what is to be there. [Swap.Recover] compares that with what is there after the
// crash.
package swap

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"restencil/renderer"
	"restencil/renderer/atomicfile"
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
	for _, name := range []string{m.Temp, cmp.Or(m.Kept, m.Temp)} {
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
	now := make([]observed, len(s.Moves))
	for i, m := range s.Moves {
		// What cannot be read differs from everything that can have been noted.
		now[i].Move = m
		now[i].at, _ = contentOf(m.Path)
		now[i].temp, _ = contentOf(m.Temp)
		if m.Kept != "" {
			now[i].kept, _ = contentOf(m.Kept)
		}
	}
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
		synced := make(map[string]bool)
		for _, m := range s.Moves {
			if dir := filepath.Dir(m.Path); !synced[dir] {
				errs = append(errs, d.SyncDir(dir))
				synced[dir] = true
			}
		}
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

// An Outcome is what a crash, and the recovery from it, made of a swap.
type Outcome int

const (
	Settled   Outcome = iota // all files were new already
	Completed                // those that were not new yet are new now
	Cancelled                // no file had been replaced
	Undone                   // those that had been replaced are old again
	Restored                 // all had been put back before
	Mixed                    // neither can be done
)

// decide returns the outcome that is possible, from what is on disk now. Where all
// moves had been made (Done), the old files count if they were being put back, or if
// nobody knew yet whether the new ones are any good (Trial): then the change is made
// again from the beginning.
func decide(s *Swap, now []observed) Outcome {
	every := func(is func(observed) bool) bool {
		return !slices.ContainsFunc(now, func(m observed) bool { return !is(m) })
	}
	switch {
	case s.Done && (every(observed.made) && !s.Trial || every(observed.isNew) || !every(observed.undoable)):
		return Settled
	case s.Done && every(observed.untouched):
		return Restored
	case !s.Done && every(observed.untouched):
		return Cancelled
	case !s.Done && every(observed.makeable):
		return Completed
	case every(observed.undoable):
		return Undone
	}
	return Mixed
}

// An observed is a move and what is at its paths now.
type observed struct {
	Move
	at, temp, kept Content
}

// isNew tells whether there was no file before the move.
func (m observed) isNew() bool { return m.Old == nothing }

// untouched tells whether the old file is in place. If old and new have the same
// bytes, because mode or owner was to change, the staged file tells.
func (m observed) untouched() bool { return m.at == m.Old && (m.Old != m.New || m.temp == m.New) }

// made tells whether the new file is in place.
func (m observed) made() bool { return m.at == m.New && !m.untouched() }

// makeable tells whether the new file is or can be put in place.
func (m observed) makeable() bool { return m.made() || m.temp == m.New }

// undoable tells whether the old file is or can be put in place. If there was none,
// a file that somebody else has made meanwhile is not removed.
func (m observed) undoable() bool {
	switch {
	case m.untouched():
		return true
	case m.isNew():
		return m.at == m.New
	}
	return m.Kept != "" && m.kept == m.Old
}

// A Content tells what is at a path: a hash of a file's bytes, or of where a
// symbolic link leads. Two that are equal are the same content.
type Content string

const (
	nothing    Content = ""  // there is no file
	unreadable Content = "?" // there is something else, or it cannot be read
)

func contentOf(path string) (Content, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nothing, nil
	}
	if err != nil {
		return unreadable, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		if err != nil {
			return unreadable, err
		}
		return Content(fmt.Sprintf("link:%x", sha256.Sum256([]byte(target)))), nil
	}
	f, err := atomicfile.Open(path)
	if err != nil {
		return unreadable, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return unreadable, err
	}
	return Content(fmt.Sprintf("sha256:%x", h.Sum(nil))), nil
}
