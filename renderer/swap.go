package renderer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"restencil/renderer/atomicfile"
	"restencil/renderer/fileattr"
	"restencil/renderer/parallel"
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
	parallel.For(len(alone), func(at int) {
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
		path := filepath.Clean(s.file.Path)
		err := s.place(replaced[path])
		if err != nil {
			r.Files[i].Err, r.Err = err, err
			if len(group) > 1 {
				r.RestoreErr = Restore(group...)
			} else {
				s.Discard()
			}
			return
		}
		replaced[path] = replaced[path] || s.moved
	}
}

// place puts s in place. After an error the destination is as it was before,
// and what was staged and kept is there still. If the destination was replaced
// after s was compared and s needed no new bytes then, it is staged anew.
func (s *Staged) place(replaced bool) (err error) {
	if s.state != staged {
		return errors.New("failed writing file: swapped or discarded before")
	}
	if replaced && s.temp == "" {
		again, err := Stage(s.file)
		if err != nil {
			s.Discard()
			s.change = Unchanged
			return err
		}
		*s = *again
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
			return err
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

// makeDurable puts the directory entries that were changed on stable
// storage, each directory once.
func makeDurable(staged []*Staged) {
	in := make(map[string][]*Staged) // by directory
	for _, s := range staged {
		if !s.moved {
			continue
		}
		for _, dir := range s.dirs {
			in[dir] = append(in[dir], s)
		}
	}
	for dir, err := range syncDirs(in) {
		for _, s := range in[dir] {
			s.warn("could not make the change of %q durable: %w", s.file.Path, err)
		}
	}
}

// syncDirs puts directories, the keys of in, on stable storage, side by side, and
// returns the errors of those that failed.
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

// Keep keeps, of the files that have Keep set, what SwapGroups is to replace: before
// anything has changed, where that would do it as it goes. Staged.Kept then
// tells the name. The temporary names are on stable storage when Keep returns,
// so that who notes them can find the files again after a crash. After an error
// the files can only be discarded.
func Keep(staged ...*Staged) error {
	errs := make([]error, len(staged))
	parallel.For(len(staged), func(i int) {
		if s := staged[i]; s.file.Keep && s.temp != "" {
			errs[i] = s.keep()
		}
	})
	if err := cmp.Or(errs...); err != nil {
		return err
	}
	dirs := make(map[string]bool)
	for _, s := range staged {
		if s.looked {
			dirs[s.dirs[0]] = true
		}
	}
	for dir, err := range syncDirs(dirs) {
		return fmt.Errorf("could not make the names in %s durable: %w", dir, err)
	}
	return nil
}

// keep keeps what is at the destination; that may be nothing.
func (s *Staged) keep() (err error) {
	if s.looked {
		return nil
	}
	s.kept, err = s.file.dir().preserve(s.file.Path, fileattr.Bits)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("failed keeping the old file: %w", err)
	}
	s.looked = true
	return nil
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
