package renderer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"

	"restencil/renderer/fileattr"
)

// A Result says what [SwapGroups] or [Write] has done to a file.
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

// Write makes the destination be as f says: Stage and SwapGroups of one file. The
// error is that of the Result, too.
func Write(f File) (Result, error) {
	s, err := Stage(f)
	if err != nil {
		return Result{Err: err}, err
	}
	defer s.Discard()
	r := SwapGroups([]*Staged{s})[0].Files[0]
	return r, r.Err
}

// A GroupResult says what SwapGroups has done to a group.
type GroupResult struct {
	Files []Result // in the order of the group
	Err   error    // why no file of the group has changed; nil: all are in place

	// RestoreErr is what went wrong when the files that were in place already
	// were put back: then some may be new.
	RestoreErr error
}

// SwapGroups puts what was staged in place, each group all or none, makes that
// durable, each directory once, and returns a result for each group. A group of
// several files must have Keep set in all of them. A group that fails does not
// hold up the others. Of several files with one destination, the last remains.
func SwapGroups(groups ...[]*Staged) []GroupResult {
	results := make([]GroupResult, len(groups))
	count := make(map[string]int) // of the files with a destination
	for _, group := range groups {
		for _, s := range group {
			count[filepath.Clean(s.file.Path)]++
		}
	}
	shared := func(s *Staged) bool { return count[filepath.Clean(s.file.Path)] > 1 }
	var alone, inOrder []int // groups that have their destinations for themselves, and the others
	for i, group := range groups {
		results[i].Files = make([]Result, len(group))
		if slices.ContainsFunc(group, shared) {
			inOrder = append(inOrder, i)
		} else {
			alone = append(alone, i)
		}
	}
	sideBySide(len(alone), func(at int) {
		results[alone[at]].place(groups[alone[at]], make(map[string]bool))
	})
	replaced := make(map[string]bool)
	for _, i := range inOrder {
		results[i].place(groups[i], replaced)
	}
	var placed []*Staged
	for i, group := range groups {
		if results[i].Err == nil {
			placed = append(placed, group...)
		}
	}
	makeDurable(placed)
	for i, group := range groups {
		if results[i].Err != nil {
			continue
		}
		for j, s := range group {
			results[i].Files[j] = Result{Change: s.change, InPlace: s.inPlace, Warnings: s.warnings}
		}
	}
	return results
}

// place puts a group in place, all or none. replaced has the destinations that
// others have replaced before.
func (r *GroupResult) place(group []*Staged, replaced map[string]bool) {
	for i, s := range group {
		if err := s.placeAfter(replaced); err != nil {
			r.Files[i].Err, r.Err = err, err
			if len(group) > 1 {
				r.RestoreErr = Restore(group...)
			} else {
				s.Discard()
			}
			return
		}
	}
}

// placeAfter places s, where others may have replaced its destination before.
func (s *Staged) placeAfter(replaced map[string]bool) error {
	path := filepath.Clean(s.file.Path)
	if replaced[path] {
		if err := s.compareAgain(); err != nil {
			return err
		}
	}
	if err := s.place(); err != nil {
		return err
	}
	replaced[path] = replaced[path] || s.moved
	return nil
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
	case s.change == Replaced: // it is a stream
		if _, err = s.file.Stream.Write(s.file.Content); err != nil {
			err = fmt.Errorf("failed writing file: %w", err)
		}
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
		if err := s.backUp(); err != nil {
			s.warn("could not backup %q: %w", s.file.Path, err)
		}
	}
	mounted, err := s.rename(s.temp)
	if mounted {
		content := bytes.NewReader(s.file.Content)
		if err = s.file.dir().overwrite(s.file.Path, content, content.Size(), s.want()); err == nil {
			s.file.dir().remove(s.temp)
		}
	}
	if errors.Is(err, fileattr.ErrOwner) {
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
	err := s.file.dir().setAttrs(s.file.Path, s.old.info, s.want())
	if errors.Is(err, fs.ErrPermission) && s.write() == nil && s.replace() == nil {
		// Somebody else's file, in a directory where it may be replaced.
		return nil
	}
	if err != nil && s.asked.Or(s.old.attrs.Owner) == s.old.attrs.Owner {
		// consul-template lets a wrong mode be (COMPAT Q19), so that is no
		// reason to fail.
		s.warn("could not set the mode of %q: %w", s.file.Path, fileattr.Cause(err))
		s.Discard()
		s.change = Unchanged
		return nil
	}
	return err
}

// backUp makes the path with ".bak" a link to what is at the path, or a copy of
// it where the new file may be read by fewer. A backup that is there already is
// replaced at once. Nothing at the path is fine.
func (s *Staged) backUp() error {
	d, path := s.file.dir(), s.file.Path
	name, err := d.preserve(path, s.want().Mode)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = d.rename(name, path+".bak")
	// Renaming does nothing where both names are links to one file.
	d.remove(name)
	return err
}

// rename moves a file to the destination, unless a mount point is in the way.
func (s *Staged) rename(from string) (mounted bool, err error) {
	err = s.file.dir().rename(from, s.file.Path)
	return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV), err
}
