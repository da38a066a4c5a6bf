package renderer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"restencil/renderer/atomicfile"
	"restencil/renderer/fileattr"
)

// A Staged is a File that has been compared with its destination and, where
// they differ, is ready to go in place. It ends with SwapGroups; where the File has
// Keep set, with Restore or Discard after that; and if it is not to be
// swapped, with Discard. It is not safe for concurrent use.
type Staged struct {
	file   File
	asked  fileattr.Owner // who the file is to belong to
	old    found          // the destination when it was compared
	change Change         // what SwapGroups is to do
	temp   string         // where the new content is; "" if the bytes are right
	kept   string         // where what SwapGroups replaced is; "" for nowhere
	state  state

	looked bool // what is at the destination was kept, if there was anything

	moved   bool // SwapGroups has changed entries of directories
	inPlace bool // SwapGroups has written to the file that was there

	dirs     []string // the directories with new entries, the file's own first
	warnings []error
}

// A state is how far a Staged has come.
type state int

const (
	staged   state = iota
	swapped        // in place; temp is gone
	finished       // failed, discarded or put back
)

// Stage makes f ready to go in place, without touching what is there. Where
// nothing needs to change, the Change of the result is Unchanged. Missing
// parent directories are made.
//
// The errors are consul-template's (COMPAT 4.9): "failed reading file: …",
// "failed looking up user: …", "failed writing file: …" and so on. After an
// error nothing that Stage made stays behind but parent directories.
func Stage(f File) (*Staged, error) {
	s, err := compare(f)
	if err != nil {
		return nil, err
	}
	if f.Stream != nil {
		return s, nil
	}
	if s.change == Replaced || s.change == Repaired && s.old.link {
		if err := s.write(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Compare returns what writing f would do, and does nothing. An empty Path
// is a file that does not exist.
func Compare(f File) (Change, error) {
	s, err := compare(f)
	if err != nil {
		return Unchanged, err
	}
	return s.change, nil
}

func compare(f File) (*Staged, error) {
	if f.Stream != nil {
		s := &Staged{file: f, asked: fileattr.AsItIs(), dirs: []string{filepath.Dir(f.Path)}}
		if !f.Shown {
			s.change = Replaced
		}
		return s, nil
	}
	old, err := look(f)
	if err != nil {
		return nil, fmt.Errorf("failed reading file: %w", err)
	}
	asked, err := fileattr.LookUp(f.User, f.Group)
	if err != nil {
		return nil, err
	}
	s := &Staged{file: f, asked: asked, old: old, dirs: []string{filepath.Dir(f.Path)}}
	switch {
	case !old.same:
		s.change = Replaced
	case !fileattr.Attrs{Mode: cmp.Or(f.Perm&fileattr.Bits, old.attrs.Mode), Owner: asked}.Equal(old.attrs):
		s.change = Repaired
	}
	return s, nil
}

// Change returns what SwapGroups is to do, or has done.
func (s *Staged) Change() Change { return s.change }

// Path returns a path under which the new content can be read: a temporary
// one until SwapGroups, unless the destination holds the content already.
func (s *Staged) Path() string {
	if s.temp != "" {
		return s.temp
	}
	return s.file.Path
}

// Temp returns the path of the temporary file with the new content, and ""
// where there is none: after SwapGroups, or if the destination has the bytes already.
func (s *Staged) Temp() string { return s.temp }

// Kept returns the path under which is kept what was at the destination, and ""
// where it is not, or there was nothing.
func (s *Staged) Kept() string { return s.kept }

func (s *Staged) want() fileattr.Attrs {
	return fileattr.Attrs{Mode: cmp.Or(s.file.Perm&fileattr.Bits, s.old.like.Mode), Owner: s.asked}
}

// write puts the content in a temporary file beside the destination.
func (s *Staged) write() error {
	if s.file.Path == "" {
		return errors.New("failed writing file: missing destination")
	}
	temp, err := s.fill()
	if errors.Is(err, fs.ErrNotExist) { // seldom, so it is found out by trying
		if err := s.makeParents(); err != nil {
			return fmt.Errorf("failed writing file: %w", err)
		}
		temp, err = s.fill()
	}
	if errors.Is(err, fileattr.ErrOwner) {
		return err
	}
	if err != nil {
		return fmt.Errorf("failed writing file: %w", err)
	}
	s.temp = temp
	return nil
}

// fill makes the temporary file. It has its mode from the start where it belongs
// to the right user then and its group may do no more than all others; until it
// has its owner, only the process's user may open any other.
func (s *Staged) fill() (temp string, err error) {
	first, want := fs.FileMode(ownMode), s.want().Mode
	owner := s.asked.Or(s.old.like.Owner)
	own := (owner.UID == -1 || owner.UID == os.Geteuid()) && (owner.GID == -1 || owner.GID == os.Getegid())
	if own && want>>3&0o007&^want == 0 {
		first = want.Perm()
	}
	return s.file.dir().fillTemp(s.file.Path, first, func(f *os.File) error {
		if _, err := f.Write(s.file.Content); err != nil {
			return err
		}
		like := fileattr.Attrs{Mode: want, Owner: s.old.like.Owner}
		warning, err := like.ApplyNew(f, s.asked)
		if warning != nil {
			s.warn("could not preserve file permissions for %q: %w", s.file.Path, fileattr.Cause(warning))
		}
		return err
	})
}

// makeParents makes the destination's directory, if that is missing and
// allowed, and notes which directories get entries by that.
func (s *Staged) makeParents() error {
	var missing []string // the innermost first
	for d := s.dirs[0]; ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) || d == filepath.Dir(d) {
			break
		}
		missing = append(missing, d)
	}
	if missing == nil {
		return nil
	}
	if s.file.NoParents {
		return errors.New("parent directory is missing")
	}
	for _, d := range slices.Backward(missing) {
		if err := makeDir(d, s.file.DirPerm&fileattr.Bits); err != nil {
			return err
		}
		s.dirs = append(s.dirs, filepath.Dir(d))
	}
	return nil
}

// makeDir makes a directory, unless somebody else has just done so. At no time
// has it a wider mode than perm; zero stands for 0755 less the umask.
func makeDir(path string, perm fs.FileMode) error {
	err := os.Mkdir(path, cmp.Or(perm, 0o755).Perm())
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil || perm == 0 {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	// What is in a directory with a set group id inherits that, and the group.
	perm |= info.Mode() & fs.ModeSetgid
	if info.Mode()&fileattr.Bits == perm {
		return nil
	}
	return os.Chmod(path, perm)
}

func (s *Staged) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Errorf(format, args...))
}

// Discard removes what is left beside the destination: the staged content, or
// after SwapGroups what was kept of the old. It may be called at any time, and more
// than once.
func (s *Staged) Discard() {
	for _, name := range []*string{&s.temp, &s.kept} {
		if *name != "" {
			s.file.dir().remove(*name)
			*name = ""
		}
	}
	s.state = finished
}

const chunk = 32 << 10 // how much of a file is compared at a time

const defaultMode fs.FileMode = 0o644 // that of a new file where none was asked for

// A found is what is at a destination.
type found struct {
	exists bool           // the path leads to a file
	link   bool           // the path itself is a symbolic link
	same   bool           // the file holds the bytes wanted
	info   fs.FileInfo    // of the file; nil where there is none
	attrs  fileattr.Attrs // of the file; where there is none, what a new one has
	like   fileattr.Attrs // what another file in its place inherits
}

// look finds out what is at the path of file, and whether it holds its content.
func look(file File) (found, error) {
	path := file.Path
	fresh := fileattr.Attrs{Mode: defaultMode, Owner: fileattr.AsItIs()}
	missing := found{attrs: fresh, like: fresh}
	if path != "" && os.IsPathSeparator(path[len(path)-1]) {
		return found{}, &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	}
	info, err := file.dir().lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if file.Dir != nil {
			return found{}, &fs.PathError{Op: "read", Path: path, Err: errors.New("a symbolic link")}
		}
		missing.link = true
		info, err = os.Stat(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return missing, nil
	}
	if err != nil {
		return found{}, err
	}
	same, err := file.is(info)
	if err != nil {
		return found{}, err
	}
	f := found{exists: true, link: missing.link, same: same, info: info, attrs: fileattr.Of(info)}
	f.like = f.attrs
	owner := f.attrs.Owner.UID
	foreign := owner != -1 && owner != os.Geteuid() || f.attrs.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 // another user's, or runs as another
	if f.link && foreign {
		f.like = fresh
	}
	return f, nil
}

// is reports whether what is at its path, which info is of, has f's bytes. It
// reads up to the first difference.
func (f File) is(info fs.FileInfo) (bool, error) {
	switch {
	case info.IsDir():
		return false, &fs.PathError{Op: "read", Path: f.Path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return false, atomicfile.Regular("read", f.Path, info.Mode())
	case f.Differs:
		return false, nil
	}
	file, err := f.dir().open(f.Path, os.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer file.Close()
	if info.Size() != int64(len(f.Content)) {
		return false, nil
	}
	content := f.Content
	buf := make([]byte, min(chunk, len(content)+1))
	for {
		n, err := io.ReadFull(file, buf)
		if n > len(content) || !bytes.Equal(buf[:n], content[:n]) {
			return false, nil
		}
		content = content[n:]
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return len(content) == 0, nil
		case err != nil:
			return false, err
		}
	}
}
