package renderer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"restencil/renderer/atomicfile"
)

// syncs bounds how many directories are put on stable storage at a time: that
// is waiting for the disk.
const syncs = 32

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

// result says what has become of s, which is in place.
func (s *Staged) result() Result {
	return Result{Change: s.change, InPlace: s.inPlace, Warnings: s.warnings}
}

// Write makes the destination be as f says: Stage and Swap of one file. The
// error is that of the Result, too.
func Write(f File) (Result, error) {
	s, err := Stage(f)
	if err != nil {
		return Result{Err: err}, err
	}
	r := Swap(s)[0]
	s.Discard()
	return r, r.Err
}

// Discard removes what is left beside the destination: the staged content, or
// after Swap what was kept of the old. It may be called at any time, and more
// than once.
func (s *Staged) Discard() {
	for _, name := range []*string{&s.temp, &s.kept} {
		if *name != "" {
			os.Remove(*name)
			*name = ""
		}
	}
	s.state = finished
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

// keep notes what is at the destination; that may be nothing.
func (s *Staged) keep() (err error) {
	if s.looked {
		return nil
	}
	s.kept, err = preserve(s.file.Path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	s.looked = err == nil
	return err
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

// makeDurable puts the entries that were changed on stable storage, each
// directory once. Elements that are nil are left out.
func makeDurable(staged []*Staged) {
	failed := syncDirs(changedDirs(staged))
	for _, s := range staged {
		for _, dir := range s.changedDirs() {
			if err := failed[dir]; err != nil {
				s.warn("could not make the change of %q durable: %w", s.file.Path, err)
			}
		}
	}
}

func changedDirs(staged []*Staged) []string {
	var dirs []string
	known := make(map[string]bool)
	for _, s := range staged {
		for _, dir := range s.changedDirs() {
			if !known[dir] {
				known[dir] = true
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

// changedDirs returns the directories whose entries Swap has changed.
func (s *Staged) changedDirs() []string {
	if s == nil || !s.moved {
		return nil
	}
	return s.dirs
}

// syncDirs syncs directories side by side and returns what failed.
func syncDirs(dirs []string) map[string]error {
	errs := make([]error, len(dirs))
	sideBySide(len(dirs), syncs, func(i int) { errs[i] = atomicfile.SyncDir(dirs[i]) })
	failed := make(map[string]error)
	for i, err := range errs {
		if err != nil {
			failed[dirs[i]] = err
		}
	}
	return failed
}
