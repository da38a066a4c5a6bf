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

// A StagedFile is a File that was compared with its destination and, if they differ,
// is ready to go in place. It ends with SwapGroups or Discard; a File with Keep, with
// Restore or Discard after SwapGroups. It is not safe for concurrent use.
type StagedFile struct {
	file   File
	owner  fileattr.Owner // the owner that was asked for
	old    destination    // when it was compared
	change Change         // what SwapGroups is to do
	temp   string         // the path of the new content; "" if the bytes are right
	kept   string         // the path of what SwapGroups replaced; "": none
	keeps  bool           // what is at the destination was kept, if there was anything

	done    Change // what SwapGroups has done, and Restore must undo
	inPlace bool   // SwapGroups has written to the existing file

	dirs     []string // the directories with new entries, the file's own first
	warnings []error
}

// Stage makes f ready to go in place, without touching the destination. If nothing
// needs to change, the Change of the result is Unchanged. Stage makes missing parent
// directories.
//
// The errors are consul-template's (COMPAT 4.9): "failed reading file: …",
// "failed looking up user: …", "failed writing file: …" and so on. After an
// error nothing that Stage made stays but parent directories.
func Stage(f File) (*StagedFile, error) {
	s, err := Compare(f)
	if err != nil {
		return nil, err
	}
	if f.Stream == nil && !f.Remove && (s.change == Replaced || s.change == Repaired && s.old.link) {
		if err := s.write(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Compare is Stage without its effects: nothing is made. The result is only to be looked
// at. An empty Path is a file that does not exist.
func Compare(f File) (*StagedFile, error) {
	s := &StagedFile{file: f, dirs: []string{filepath.Dir(f.Path)}}
	if f.Stream != nil {
		if !f.Shown {
			s.change = Replaced
		}
		return s, nil
	}
	var err error
	s.old, err = inspect(f)
	switch {
	case f.Remove && (errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR)):
		return s, nil // what is there now is not the file
	case err != nil:
		return nil, fmt.Errorf("failed reading file: %w", err)
	}
	if s.owner, err = fileattr.LookUp(f.User, f.Group); err != nil {
		return nil, err
	}
	want := fileattr.Attrs{Mode: cmp.Or(f.Perm&fileattr.Bits, s.old.attrs.Mode), Owner: s.owner}
	switch {
	case f.Remove && s.old.info == nil && !s.old.link:
	case f.Remove || !s.old.same:
		s.change = Replaced
	case !want.Equal(s.old.attrs):
		s.change = Repaired
	}
	return s, nil
}

// File returns what was staged.
func (s *StagedFile) File() File { return s.file }

// Removes reports whether SwapGroups is to remove the destination, or has done so.
func (s *StagedFile) Removes() bool { return s.file.Remove && s.change == Replaced }

// Change returns what SwapGroups is to do, or has done.
func (s *StagedFile) Change() Change { return s.change }

// Attributes returns mode and owner of the destination as it is, "" where there is
// nothing, and as it would be, such as "mode 0644, owner root:root".
func (s *StagedFile) Attributes() (before, after string) {
	now, next := s.old.attrs, s.want()
	if s.old.info != nil {
		before = now.String()
	}
	if s.change != Replaced {
		next.Mode = cmp.Or(s.file.Perm&fileattr.Bits, now.Mode)
	}
	own := fileattr.Owner{UID: os.Geteuid(), GID: os.Getegid()}
	next.Owner = next.Owner.Or(s.old.inherited.Owner).Or(own)
	return before, next.String()
}

// Path returns a path under which the new content can be read: a temporary one until
// SwapGroups, unless the destination has the content already.
func (s *StagedFile) Path() string { return cmp.Or(s.temp, s.file.Path) }

// Temp returns the path of the temporary file with the new content, or "" if there is
// none: after SwapGroups, or if the destination has the bytes already.
func (s *StagedFile) Temp() string { return s.temp }

// Kept returns the path under which the old file is kept, or "" if there is none.
func (s *StagedFile) Kept() string { return s.kept }

func (s *StagedFile) want() fileattr.Attrs {
	return fileattr.Attrs{Mode: cmp.Or(s.file.Perm&fileattr.Bits, s.old.inherited.Mode), Owner: s.owner}
}

// write writes the content to a temporary file beside the destination.
func (s *StagedFile) write() error {
	if s.file.Path == "" {
		return errors.New("failed writing file: missing destination")
	}
	err := s.fill()
	if errors.Is(err, fs.ErrNotExist) { // rare, so nothing checks it before
		if err = s.makeParents(); err == nil {
			err = s.fill()
		}
	}
	return writeError(err)
}

// writeError returns err as consul-template words it; ErrOwner has its own words.
func writeError(err error) error {
	if err == nil || errors.Is(err, fileattr.ErrOwner) {
		return err
	}
	return fmt.Errorf("failed writing file: %w", err)
}

// fill makes the temporary file. It has its mode from the start if its owner is right
// then and its group may do no more than all others. Otherwise only the user of this
// process may open it until it has its owner.
func (s *StagedFile) fill() (err error) {
	first, mode := fs.FileMode(privateMode), s.want().Mode
	owner := s.owner.Or(s.old.inherited.Owner)
	own := (owner.UID == -1 || owner.UID == os.Geteuid()) && (owner.GID == -1 || owner.GID == os.Getegid())
	if own && mode>>3&0o007&^mode == 0 {
		first = mode.Perm()
	}
	s.temp, err = s.file.dir().createTemp(s.file.Path, first, func(f *os.File) error {
		if _, err := f.Write(s.file.Content); err != nil {
			return err
		}
		attrs := fileattr.Attrs{Mode: mode, Owner: s.old.inherited.Owner}
		warning, err := attrs.ApplyNew(f, s.owner)
		if warning != nil {
			s.warn("could not preserve file permissions for %q: %w", s.file.Path, fileattr.Cause(warning))
		}
		return err
	})
	return err
}

// makeParents makes the directory of the destination, if it is missing and NoParents
// allows it, and adds the directories with new entries to s.dirs.
func (s *StagedFile) makeParents() error {
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

// makeDir makes a directory that may exist by now. It never has a wider mode than
// perm. Zero: 0755 less the umask.
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
	perm |= info.Mode() & fs.ModeSetgid // inherited, as the group is
	if info.Mode()&fileattr.Bits == perm {
		return nil
	}
	return os.Chmod(path, perm)
}

func (s *StagedFile) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Errorf(format, args...))
}

// Discard removes what is left beside the destination: the staged content or, after
// SwapGroups, the old file that was kept. It may be called at any time, and more than
// once.
func (s *StagedFile) Discard() {
	for _, name := range []*string{&s.temp, &s.kept} {
		if *name != "" {
			s.file.dir().remove(*name)
			*name = ""
		}
	}
	s.done = Unchanged
}

const defaultMode fs.FileMode = 0o644 // that of a new file where none was asked for

// A destination is what is at the path of a File.
type destination struct {
	link      bool           // the path itself is a symbolic link
	same      bool           // the file has the right bytes
	info      fs.FileInfo    // of the file; nil where there is none
	attrs     fileattr.Attrs // of the file; where there is none, those of a new one
	inherited fileattr.Attrs // those of a file that replaces it
}

// inspect returns what is at the path of file, and whether it has its content.
func inspect(file File) (destination, error) {
	path := file.Path
	fresh := fileattr.Attrs{Mode: defaultMode, Owner: fileattr.KeepOwner()}
	d := destination{attrs: fresh, inherited: fresh}
	if path != "" && os.IsPathSeparator(path[len(path)-1]) {
		return d, &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	}
	info, err := file.dir().lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if file.Dir != nil {
			return d, &fs.PathError{Op: "read", Path: path, Err: errors.New("a symbolic link")}
		}
		d.link = true
		info, err = os.Stat(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	d.info, d.attrs = info, fileattr.Of(info)
	uid := d.attrs.Owner.UID
	foreign := uid != -1 && uid != os.Geteuid() || d.attrs.Mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 // another user's, or runs as another
	if !d.link || !foreign {
		d.inherited = d.attrs
	}
	d.same, err = file.hasContent(info)
	return d, err
}

// hasContent reports whether the file at f.Path, which info is of, has the bytes of f.
func (f File) hasContent(info fs.FileInfo) (bool, error) {
	switch {
	case info.IsDir():
		return false, &fs.PathError{Op: "read", Path: f.Path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return false, atomicfile.Regular("read", f.Path, info.Mode())
	case f.Differs || f.Remove:
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
	content := make([]byte, len(f.Content)+1) // it may have grown
	n, err := io.ReadFull(file, content)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return bytes.Equal(content[:n], f.Content), nil
}
