package renderer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A Result says what Swap has done to a file.
type Result struct {
	// Change is what was done; Unchanged where Err is set.
	Change Change

	// InPlace says that the destination could not be replaced, being a mount
	// point, and was written to instead.
	InPlace bool

	// Warnings are what went wrong although the file is in place: an owner
	// that could not be preserved, a backup that could not be made.
	Warnings []error

	// Err is why the destination is as it was before. (Where writing in place
	// meets an input/output error, it can be neither.)
	Err error
}

// Swap puts what was staged in place, in order, makes that durable, and
// returns a Result for each. Of several files with one destination, the last
// remains. A file that fails does not hold up the others; who wants all or
// none sets Keep and calls Restore.
func Swap(staged ...*Staged) []Result {
	results := make([]Result, len(staged))
	replaced := make(map[string]bool)
	for i, s := range staged {
		path := filepath.Clean(s.file.Path)
		if replaced[path] {
			results[i].Err = s.compareAgain()
		}
		if results[i].Err == nil {
			results[i].Err = s.swap()
		}
		replaced[path] = replaced[path] || s.moved
	}
	makeDurable(staged)
	for i, s := range staged {
		if results[i].Err == nil {
			results[i] = s.result()
		}
	}
	return results
}

// SwapAll is Swap for files that belong together, with a destination each. It
// stops at the first that fails, whose error it returns, too; Restore then puts
// those back that are in place, and discards the others.
func SwapAll(staged ...*Staged) ([]Result, error) {
	results := make([]Result, len(staged))
	for i, s := range staged {
		if err := s.place(); err != nil {
			results[i].Err = err
			return results, err
		}
	}
	makeDurable(staged)
	for i, s := range staged {
		results[i] = s.result()
	}
	return results, nil
}

// result says what has become of s, which is in place.
func (s *Staged) result() Result {
	return Result{Change: s.change, InPlace: s.inPlace, Warnings: s.warnings}
}

// compareAgain stages anew what needed no new bytes when it was compared,
// since the destination has been replaced after that.
func (s *Staged) compareAgain() error {
	if s.state != staged || s.temp != "" {
		return nil
	}
	again, err := Stage(s.file)
	if err != nil {
		s.Discard()
		s.change = Unchanged
		return err
	}
	*s = *again
	return nil
}

// swap puts s in place, or discards it.
func (s *Staged) swap() error {
	err := s.place()
	if err != nil {
		s.Discard()
	}
	return err
}

// place puts s in place. After an error the destination is as it was before,
// and what was staged and kept is there still.
func (s *Staged) place() (err error) {
	if s.state != staged {
		return errors.New("failed writing file: swapped or discarded before")
	}
	s.state = swapped
	switch {
	case s.temp != "":
		err = s.replace()
	case s.change == Repaired:
		err = s.repair()
	}
	if err != nil {
		s.state = finished
		s.change = Unchanged
	}
	return err
}

// replace moves the staged content to the destination.
func (s *Staged) replace() error {
	if s.file.Keep {
		if err := s.keep(); err != nil {
			return keepingFailed(err)
		}
	}
	if s.file.Backup && s.change == Replaced {
		if err := backUp(s.file.Path); err != nil {
			s.warn("could not backup %q: %w", s.file.Path, err)
		}
	}
	mounted, err := rename(s.temp, s.file.Path)
	if mounted {
		content := bytes.NewReader(s.file.Content)
		if err = overwrite(s.file.Path, content, content.Size(), s.want()); err == nil {
			os.Remove(s.temp)
		}
	}
	if errors.Is(err, errOwnership) {
		return err
	}
	if err != nil {
		return fmt.Errorf("failed writing file: %w", err)
	}
	s.temp, s.inPlace, s.moved = "", mounted, true
	return nil
}

// repair sets mode and owner of a destination that has the right bytes.
func (s *Staged) repair() error {
	err := setAttrs(s.file.Path, s.old.info, s.want())
	if errors.Is(err, fs.ErrPermission) && s.write() == nil && s.replace() == nil {
		// Somebody else's file, in a directory where it may be replaced.
		return nil
	}
	if err != nil && s.asked.or(s.old.attrs.owner) == s.old.attrs.owner {
		// consul-template lets a wrong mode be (COMPAT Q19), so that is no
		// reason to fail.
		s.warn("could not set the mode of %q: %w", s.file.Path, cause(err))
		s.Discard()
		s.change = Unchanged
		return nil
	}
	return err
}

// backUp makes path + ".bak" a link to what is at path, or a copy of it. A
// backup that is there already is replaced at once. Nothing at path is fine.
func backUp(path string) error {
	name, err := preserve(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = os.Rename(name, path+".bak")
	// Renaming does nothing where both names are links to one file.
	os.Remove(name)
	return err
}

// rename moves from to to, unless a mount point is in the way.
func rename(from, to string) (mounted bool, err error) {
	err = os.Rename(from, to)
	if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV) {
		return true, err
	}
	var linkErr *os.LinkError
	if errors.As(err, &linkErr) {
		err = &fs.PathError{Op: linkErr.Op, Path: to, Err: linkErr.Err}
	}
	return false, err
}
