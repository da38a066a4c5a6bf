package renderer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"restencil/renderer/fileattr"
)

// Keep keeps, of the files that have Keep set, what SwapGroups is to replace: before
// anything has changed, where that would do it as it goes. Staged.Kept then
// tells the name. The temporary names are on stable storage when Keep returns,
// so that who notes them can find the files again after a crash. After an error
// the files can only be discarded.
func Keep(staged ...*Staged) error {
	errs := make([]error, len(staged))
	sideBySide(len(staged), func(i int) {
		if s := staged[i]; s.file.Keep && s.temp != "" {
			errs[i] = s.keep()
		}
	})
	for _, err := range errs {
		if err != nil {
			return keepingFailed(err)
		}
	}
	dirs := make(map[string]bool)
	for _, s := range staged {
		if s.looked {
			dirs[s.dirs[0]] = true
		}
	}
	for dir, err := range syncDirs(dirs) {
		if err != nil {
			return fmt.Errorf("could not make the names in %s durable: %w", dir, err)
		}
	}
	return nil
}

func keepingFailed(err error) error {
	return fmt.Errorf("failed keeping the old file: %w", err)
}

// keep notes what is at the destination; that may be nothing.
func (s *Staged) keep() (err error) {
	if s.looked {
		return nil
	}
	s.kept, err = s.file.dir().preserve(s.file.Path, fileattr.Bits)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	s.looked = err == nil
	return err
}

// Restore undoes SwapGroups, in reverse order: each destination has its former
// bytes, mode and owner again, and a file that was not there is gone. Its
// File must have had Keep set. What was staged and not swapped is discarded;
// what that left alone, Restore does too. A file that fails does not hold up
// the others; what was kept of it stays, and Restore may be called again.
//
// A file made by Backup stays.
func Restore(staged ...*Staged) error {
	var errs []error
	var done []*Staged
	for _, s := range slices.Backward(staged) {
		if err := s.restore(); err != nil {
			errs = append(errs, fmt.Errorf("failed putting back %s: %w", s.file.Path, err))
			continue
		}
		done = append(done, s)
	}
	makeDurable(staged)
	// Only now: while something is left to do, all tell how far that has come.
	for _, s := range done {
		s.Discard()
	}
	return errors.Join(errs...)
}

func (s *Staged) restore() (err error) {
	switch {
	case s.state != swapped || s.change == Unchanged || s.file.Stream != nil:
		// Nothing was done that could be undone.
	case !s.moved:
		err = s.file.dir().setAttrs(s.file.Path, s.old.info, s.old.attrs)
	case s.kept != "":
		err = s.putBack()
	case s.file.Keep:
		err = s.file.dir().remove(s.file.Path)
	default:
		err = errors.New("what it held was not kept")
	}
	if err != nil && s.kept != "" {
		err = fmt.Errorf("%w (what it held is in %s)", err, s.kept)
	}
	return err
}

// putBack moves what was kept to the destination.
func (s *Staged) putBack() error {
	mounted, err := s.rename(s.kept)
	if !mounted {
		return err
	}
	old, err := s.file.dir().open(s.kept, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return err
	}
	return s.file.dir().overwrite(s.file.Path, old, info.Size(), s.old.attrs)
}
