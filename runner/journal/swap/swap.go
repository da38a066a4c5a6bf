// Package swap completes or undoes a swap of several files that a crash has
// interrupted.
//
// Before the first file is replaced, [Prepare] hashes the old and new contents. After
// a crash, [Swap.Recover] compares them with the files.
package swap

import (
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
	Trial bool   `json:"trial,omitempty"` // the moves may be undone still
	Moves []Move `json:"moves"`
}

// A Move is the replacement of one file, or its removal.
type Move struct {
	Path string `json:"path"`

	// Temp is where the staged content is, beside Path. It is renamed to Path. "": the
	// file is removed.
	Temp string `json:"temp"`

	// Kept is the name, also beside Path, under which the swap keeps the old file; ""
	// where there is none.
	Kept string `json:"kept,omitempty"`

	// Old is what is at Path before the move, and New what is at Temp. Prepare sets
	// them.
	Old Content `json:"old,omitempty"`
	New Content `json:"new"`
}

// Prepare returns moves that have not been made yet with absolute names and contents.
func Prepare(moves []Move) ([]Move, error) {
	prepared := make([]Move, len(moves))
	known := make(map[string]bool)
	for i, m := range moves {
		err := m.prepare()
		if err == nil && known[m.Path] {
			err = errors.New("it is changed twice")
		}
		if err != nil {
			return nil, fmt.Errorf("cannot note the change of %s: %w", m.Path, err)
		}
		known[m.Path] = true
		prepared[i] = m
	}
	return prepared, nil
}

func (m *Move) prepare() (err error) {
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
	if m.Temp != "" {
		if m.New, err = contentOf(m.Temp); err != nil {
			return err
		}
	}
	return m.check()
}

// Check returns an error if a move has other names than those of temporary files:
// Recover renames and removes what they name.
func (s *Swap) Check() error {
	for _, m := range s.Moves {
		if err := m.check(); err != nil {
			return err
		}
	}
	return nil
}

func (m *Move) check() error {
	if !filepath.IsAbs(m.Path) || (m.New == nothing) != (m.Temp == "") {
		return fmt.Errorf("no path or content in the move to %q", m.Path)
	}
	for _, name := range []string{m.Temp, m.Kept} {
		if name == "" {
			continue
		}
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

// Recover completes or undoes a swap that a crash may have interrupted, and removes
// what it has left beside the destinations. If it fails, nothing is removed that may
// still be needed.
func (s *Swap) Recover(d disk.Disk) (Outcome, error) {
	now := make([]observation, len(s.Moves))
	for i, m := range s.Moves {
		// What cannot be read differs from all that Prepare has seen.
		now[i].Move = m
		now[i].at, _ = contentOf(m.Path)
		if m.Temp != "" {
			now[i].temp, _ = contentOf(m.Temp)
		}
		if m.Kept != "" {
			now[i].kept, _ = contentOf(m.Kept)
		}
	}
	o := decide(s, now)
	var errs []error
	switch o {
	case Completed:
		for _, m := range now {
			switch {
			case m.removes() && m.at != nothing:
				errs = append(errs, failed("complete", m, d.Remove(m.Path)))
			case !m.removes() && m.temp == m.New:
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
			"neither the staged files nor the old ones are left"))
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

func failed(word string, m observation, err error) error {
	if err != nil {
		err = fmt.Errorf("cannot %s the change of %s: %w", word, m.Path, err)
	}
	return err
}

// Tidy removes what s has left beside the destinations, except what the next moves
// need. Errors are ignored: no program includes a file of such a name. A nil Swap has
// left nothing.
func (s *Swap) Tidy(d disk.Disk, next []Move) {
	if s == nil {
		return
	}
	for _, m := range s.Moves {
		needed := slices.ContainsFunc(next, func(n Move) bool {
			return n.Temp == m.Temp && m.Temp != "" || n.Kept != "" && n.Kept == m.Kept
		})
		if needed {
			continue
		}
		for _, name := range []string{m.Temp, m.Kept} {
			if name != "" {
				_ = d.Remove(name)
			}
		}
	}
}

// An Outcome is the result of a crash and a recovery.
type Outcome int

const (
	Settled   Outcome = iota // all files were new already
	Completed                // those that were not new yet are new now
	Cancelled                // no file had been replaced
	Undone                   // those that had been replaced are old again
	Restored                 // all had been put back before
	Mixed                    // neither can be done
)

// decide returns the outcome that is possible with what is on disk now. After all
// moves (Done) the swap is undone only if the old files were being put back, or the
// new ones had not been verified (Trial).
func decide(s *Swap, now []observation) Outcome {
	every := func(is func(observation) bool) bool {
		return !slices.ContainsFunc(now, func(m observation) bool { return !is(m) })
	}
	switch {
	case s.Done && (every(observation.made) && !s.Trial || every(observation.isNew) || !every(observation.undoable)):
		return Settled
	case s.Done && every(observation.untouched):
		return Restored
	case !s.Done && every(observation.untouched):
		return Cancelled
	case !s.Done && every(observation.completable):
		return Completed
	case every(observation.undoable):
		return Undone
	}
	return Mixed
}

// An observation is a move and what is at its paths now.
type observation struct {
	Move
	at, temp, kept Content
}

// removes reports whether the file is to be removed.
func (m observation) removes() bool { return m.Temp == "" }

// isNew reports whether there was no file before the move.
func (m observation) isNew() bool { return m.Old == nothing }

// untouched reports whether the old file is in place. If only the mode or owner was to
// change, that is so as long as the staged file is there.
func (m observation) untouched() bool { return m.at == m.Old && (m.Old != m.New || m.temp == m.New) }

// made reports whether the new file is in place.
func (m observation) made() bool { return m.at == m.New && !m.untouched() }

// completable reports whether the new file is or can be put in place.
func (m observation) completable() bool { return m.made() || m.removes() || m.temp == m.New }

// undoable reports whether the old file is or can be put in place. If there was none,
// a file that somebody else has made meanwhile is not removed.
func (m observation) undoable() bool {
	switch {
	case m.untouched():
		return true
	case m.isNew():
		return m.at == m.New
	}
	return m.Kept != "" && m.kept == m.Old
}

// A Content identifies what is at a path: a hash of a file's bytes, or of where a
// symbolic link leads.
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
