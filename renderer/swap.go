package renderer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"

	"restencil/renderer/atomicfile"
	"restencil/renderer/fileattr"
	"restencil/renderer/parallel"
)

// A Result is what [SwapGroups] or [Write] has done to a file.
type Result struct {
	// Change is what was done.
	Change Change

	// InPlace says that the destination was written to, as a mount point that cannot
	// be replaced.
	InPlace bool

	// Warnings are what failed although the file is in place: an owner could not be
	// preserved, or a backup not be made.
	Warnings []error
}

// Write stages f and swaps it alone.
func Write(f File) (Result, error) {
	s, err := Stage(f)
	if err != nil {
		return Result{}, err
	}
	defer s.Discard()
	r := SwapGroups(false, []*StagedFile{s})[0]
	return r.Files[0], r.Err
}

// A GroupResult is what SwapGroups has done to a group.
type GroupResult struct {
	Files []Result // in the order of the group

	// Err is why no file of the group has changed, and Failed which of them is at fault;
	// nil: all are in place. (After an input/output error while one is written in place,
	// its content can be neither the old nor the new.)
	Err    error
	Failed int

	// RestoreErr is why files that were in place already could not be restored after
	// Err: some may be new.
	RestoreErr error
}

// SwapGroups puts staged files in place, all or none of each group, makes that durable,
// each directory once, and returns a result for each group. A group of several files
// must have Keep set in all of them. A group that fails does not hold up the others.
// With inOrder one group is swapped after the other: files of several groups may have one
// destination then, of which the last remains.
func SwapGroups(inOrder bool, groups ...[]*StagedFile) []GroupResult {
	results := make([]GroupResult, len(groups))
	swap := func(i int) {
		results[i].Files = make([]Result, len(groups[i]))
		results[i].swap(groups[i], inOrder)
	}
	if inOrder {
		for i := range groups {
			swap(i)
		}
	} else {
		parallel.For(len(groups), swap)
	}
	makeDurable(slices.Concat(groups...))
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

// swap puts the files of a group in place, all or none. With inOrder other files may have
// the same destinations.
func (r *GroupResult) swap(group []*StagedFile, inOrder bool) {
	for i, s := range group {
		err := s.swap(inOrder)
		if err == nil {
			continue
		}
		r.Failed, r.Err = i, err
		if len(group) > 1 {
			r.RestoreErr = Restore(group...)
		} else {
			s.Discard()
		}
		return
	}
}

// swap puts s in place. After an error the destination is as it was before, and what
// was staged and kept still exists. If another file may have replaced a destination
// whose bytes were right, swap stages s again.
func (s *StagedFile) swap(inOrder bool) (err error) {
	if inOrder && s.temp == "" {
		again, err := Stage(s.file)
		if err != nil {
			s.Discard()
			s.change = Unchanged
			return err
		}
		*s = *again
	}
	switch {
	case s.temp != "":
		err = s.replace()
	case s.Removes() && s.done == Unchanged:
		err = s.remove()
	case s.change == Repaired:
		err = s.repair()
	case s.change == Replaced && s.file.Stream != nil:
		_, err = s.file.Stream.Write(s.file.Content)
		err = writeError(err)
	case s.change == Replaced:
		err = errors.New("failed writing file: swapped or discarded before")
	}
	if err != nil {
		s.change = Unchanged
	}
	return err
}

// preserve keeps what is at the destination, as the File asks for.
func (s *StagedFile) preserve() error {
	if s.file.Keep {
		if err := s.keep(); err != nil {
			return err
		}
	}
	if s.file.Backup && s.change == Replaced {
		if err := s.backUp(); err != nil {
			s.warn("could not backup %q: %w", s.file.Path, err)
		}
	}
	return nil
}

// remove removes the destination.
func (s *StagedFile) remove() error {
	if err := s.preserve(); err != nil {
		return err
	}
	if err := s.file.dir().remove(s.file.Path); err != nil {
		return fmt.Errorf("failed removing file: %w", err)
	}
	s.done = Replaced
	return nil
}

// replace puts the staged content in place.
func (s *StagedFile) replace() error {
	if err := s.preserve(); err != nil {
		return err
	}
	mounted, err := s.rename(s.temp)
	if mounted {
		content := bytes.NewReader(s.file.Content)
		if err = s.file.dir().overwrite(s.file.Path, content, content.Size(), s.want()); err == nil {
			s.file.dir().remove(s.temp)
		}
	}
	if err != nil {
		return writeError(err)
	}
	s.temp, s.inPlace, s.done = "", mounted, Replaced
	return nil
}

// repair sets mode and owner of a destination that has the right bytes.
func (s *StagedFile) repair() error {
	err := s.file.dir().setAttrs(s.file.Path, s.old.info, s.want())
	if errors.Is(err, fs.ErrPermission) && s.write() == nil && s.replace() == nil {
		return nil // another user's file, in a directory where it may be replaced
	}
	if err != nil && s.owner.Or(s.old.attrs.Owner) == s.old.attrs.Owner {
		// consul-template ignores a wrong mode (COMPAT Q19), so it is not an error.
		s.warn("could not set the mode of %q: %w", s.file.Path, fileattr.Cause(err))
		s.Discard()
		s.change = Unchanged
		return nil
	}
	if err == nil {
		s.done = Repaired
	}
	return err
}

// backUp makes the path with ".bak" a link to the file at the path, or a copy if the
// new file has a narrower mode. It replaces an existing backup. Nothing at the path
// is no error.
func (s *StagedFile) backUp() error {
	d, path := s.file.dir(), s.file.Path
	name, err := d.preserve(path, s.want().Mode)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = d.rename(name, path+".bak")
	d.remove(name) // it is still there if both names were links to one file
	return err
}

// rename renames a file to the destination, unless that is a mount point.
func (s *StagedFile) rename(from string) (mounted bool, err error) {
	err = s.file.dir().rename(from, s.file.Path)
	return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV), err
}

// makeDurable puts the changed directory entries on stable storage, each directory
// once.
func makeDurable(staged []*StagedFile) {
	in := make(map[string][]*StagedFile) // by directory
	for _, s := range staged {
		if s.done == Replaced {
			for _, dir := range s.dirs {
				in[dir] = append(in[dir], s)
			}
		}
	}
	for dir, err := range syncDirs(in) {
		for _, s := range in[dir] {
			s.warn("could not sync %q to disk: %w", s.file.Path, err)
		}
	}
}

// syncDirs puts directories, the keys of in, on stable storage, and returns the errors
// by directory.
func syncDirs[V any](in map[string]V) map[string]error {
	dirs := slices.Collect(maps.Keys(in))
	errs := make([]error, len(dirs))
	parallel.For(len(dirs), func(i int) { errs[i] = atomicfile.SyncDir(dirs[i]) })
	failed := make(map[string]error)
	for i, err := range errs {
		if err != nil {
			failed[dirs[i]] = err
		}
	}
	return failed
}

// Keep keeps what SwapGroups is to replace, of the files that have Keep set. SwapGroups
// does that, too, but Keep does so for all before anything has changed. The temporary
// names (Kept, Temp) are on stable storage when Keep returns: whoever stores them can
// find the files after a crash. After an error the files can only be discarded.
func Keep(staged ...*StagedFile) error {
	errs := make([]error, len(staged))
	parallel.For(len(staged), func(i int) {
		if s := staged[i]; s.file.Keep && (s.temp != "" || s.Removes()) {
			errs[i] = s.keep()
		}
	})
	if err := cmp.Or(errs...); err != nil {
		return err
	}
	dirs := make(map[string]bool)
	for _, s := range staged {
		if s.keeps {
			dirs[s.dirs[0]] = true
		}
	}
	for dir, err := range syncDirs(dirs) {
		return fmt.Errorf("could not sync the directory %s to disk: %w", dir, err)
	}
	return nil
}

// keep keeps what is at the destination, which may be nothing.
func (s *StagedFile) keep() (err error) {
	if s.keeps {
		return nil
	}
	s.kept, err = s.file.dir().preserve(s.file.Path, fileattr.Bits)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("failed keeping the old file: %w", err)
	}
	s.keeps = true
	return nil
}

// Restore undoes SwapGroups, in reverse order: each destination has its former
// bytes, mode and owner again, and a new file is gone. Their File must have had Keep
// set. Restore discards what was staged and not swapped, and leaves those destinations
// alone. A file that fails does not hold up the others; what was kept of it stays, and
// Restore may be called again.
//
// A file made by Backup stays.
func Restore(staged ...*StagedFile) error {
	var errs []error
	var restored []*StagedFile
	for _, s := range slices.Backward(staged) {
		err := s.restore()
		if err == nil {
			restored = append(restored, s)
			continue
		}
		if s.kept != "" {
			err = fmt.Errorf("%w (its old content is in %s)", err, s.kept)
		}
		errs = append(errs, fmt.Errorf("failed putting back %s: %w", s.file.Path, err))
	}
	makeDurable(staged) // before Discard, which forgets what was done
	for _, s := range restored {
		s.Discard()
	}
	return errors.Join(errs...)
}

func (s *StagedFile) restore() error {
	d, path := s.file.dir(), s.file.Path
	switch {
	case s.done == Unchanged:
		return nil
	case s.done == Repaired:
		return d.setAttrs(path, s.old.info, s.old.attrs)
	case s.kept == "" && s.file.Keep:
		return d.remove(path)
	case s.kept == "":
		return errors.New("its old content was not kept")
	}
	mounted, err := s.rename(s.kept)
	if !mounted {
		return err
	}
	old, err := d.open(s.kept, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return err
	}
	return d.overwrite(path, old, info.Size(), s.old.attrs)
}
