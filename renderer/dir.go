package renderer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"restencil/renderer/atomicfile"
	"restencil/renderer/fileattr"
)

// A dir is the directory of a destination. Its methods are the functions of package
// os for paths of files in it. With a root they use its descriptor, whatever takes the
// place of the directory. Their errors have the path of the destination.
type dir struct{ root *os.Root }

func (f File) dir() dir { return dir{f.Dir} }

func (d dir) lstat(path string) (fs.FileInfo, error) {
	if d.root == nil {
		return os.Lstat(path)
	}
	info, err := d.root.Lstat(filepath.Base(path))
	return info, withPath(path, err)
}

// open is atomicfile.OpenFile.
func (d dir) open(path string, flag int) (*os.File, error) {
	if d.root == nil {
		return atomicfile.OpenFile(path, flag, 0)
	}
	f, err := atomicfile.OpenWith(d.root.OpenFile, filepath.Base(path), flag, 0)
	return f, withPath(path, err)
}

func (d dir) link(from, to string) error {
	if d.root == nil {
		return os.Link(from, to)
	}
	return withPath(to, d.root.Link(filepath.Base(from), filepath.Base(to)))
}

// rename names the new path in its error, not the old one, which is temporary.
func (d dir) rename(from, to string) error {
	if d.root == nil {
		return withPath(to, os.Rename(from, to))
	}
	return withPath(to, d.root.Rename(filepath.Base(from), filepath.Base(to)))
}

func (d dir) remove(path string) error {
	if d.root == nil {
		return os.Remove(path)
	}
	return withPath(path, d.root.Remove(filepath.Base(path)))
}

// withPath returns err, which has another name of the file, with path.
func withPath(path string, err error) error {
	if linkErr, ok := errors.AsType[*os.LinkError](err); ok {
		return &fs.PathError{Op: linkErr.Op, Path: path, Err: linkErr.Err}
	}
	if pathErr, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: pathErr.Op, Path: path, Err: pathErr.Err}
	}
	return err
}

// overwrite gives the existing file at path the bytes of src and the attributes a.
func (d dir) overwrite(path string, src io.ReaderAt, size int64, a fileattr.Attrs) error {
	f, err := d.open(path, os.O_WRONLY)
	if err != nil {
		return err
	}
	err = a.Apply(f, func() error { return rewrite(f, src, size) })
	return cmp.Or(err, f.Close())
}

// rewrite replaces the bytes of f. It begins with those beyond the present end: only
// they need new space, and without space f is as before.
func rewrite(f *os.File, src io.ReaderAt, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := info.Size()
	copyRange := func(from, to int64) error {
		_, err := io.Copy(io.NewOffsetWriter(f, from), io.NewSectionReader(src, from, to-from))
		return err
	}
	if size > end {
		if err := copyRange(end, size); err != nil {
			return errors.Join(err, f.Truncate(end))
		}
	}
	if err := copyRange(0, min(size, end)); err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	return f.Sync()
}

// setAttrs sets mode and owner of the file at path, if it is still the one of before.
func (d dir) setAttrs(path string, before fs.FileInfo, a fileattr.Attrs) error {
	f, err := d.open(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, before) {
		return fmt.Errorf("%s was replaced while its mode and owner were being set", path)
	}
	return a.Apply(f, nil)
}

const (
	maxBase  = 200           // of a destination's name in its temporary ones, in bytes; whole names may have 255
	tempMark = ".restencil-" // precedes the random part of a temporary name

	privateMode = 0o600 // of a file that only the user of this process may open
)

// tempName returns a new, partly random path beside path. Include patterns such as
// conf.d/* do not match it.
func tempName(path string) string {
	dir, base := filepath.Split(path)
	return dir + tempPrefix(base) + strconv.FormatUint(rand.Uint64(), 36)
}

// tempPrefix returns the prefix of the temporary names of a file.
func tempPrefix(base string) string {
	if len(base) > maxBase {
		cut := maxBase
		for !utf8.RuneStart(base[cut]) {
			cut--
		}
		base = base[:cut]
	}
	return "." + base + tempMark
}

// createTemp creates a file beside path, has fill write it and set its attributes, and
// puts it on stable storage. After an error no file stays.
func (d dir) createTemp(path string, mode fs.FileMode, fill func(*os.File) error) (name string, err error) {
	name = tempName(path)
	if err := atomicfile.Create(d.root, name, mode, fill); err != nil {
		return "", withPath(path, err)
	}
	return name, nil
}

// preserve gives the file at path a second, temporary name that outlives its
// replacement: a link or, where that is not possible (a mount point, a file system
// without links, another user's file) or the file has a mode beyond most, a copy. The
// copy has the owner if possible, and the mode within most.
func (d dir) preserve(path string, most fs.FileMode) (name string, err error) {
	name = tempName(path)
	if d.root == nil {
		if target, err := os.Readlink(path); err == nil {
			return name, os.Symlink(target, name)
		}
	}
	info, err := d.lstat(path)
	if err != nil {
		return "", err
	}
	if fileattr.Of(info).Mode&^most == 0 && d.link(path, name) == nil {
		return name, nil
	}
	src, err := d.open(path, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer src.Close()
	if info, err = src.Stat(); err != nil {
		return "", err
	}
	attrs := fileattr.Of(info)
	attrs.Mode &= most
	return d.createTemp(path, privateMode, func(f *os.File) error {
		if _, err := io.Copy(f, src); err != nil {
			return err
		}
		_, err := attrs.ApplyNew(f, fileattr.KeepOwner())
		return err
	})
}

// Sweep removes the temporary files of these destinations that a killed process left:
// those that were not modified for so long. It ignores what cannot be read or removed.
func Sweep(unmodified time.Duration, paths ...string) {
	dirs := make(map[string]bool)
	prefixes := make(map[string]bool) // of temporary paths
	for _, path := range paths {
		dir, base := filepath.Split(filepath.Clean(path))
		dirs[dir], prefixes[dir+tempPrefix(base)] = true, true
	}
	before := time.Now().Add(-unmodified)
	for dir := range dirs {
		entries, _ := os.ReadDir(cmp.Or(dir, "."))
		for _, e := range entries {
			if !prefixes[dir+prefixOf(e.Name())] || !e.Type().IsRegular() {
				continue
			}
			if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
				_ = os.Remove(dir + e.Name())
			}
		}
	}
}

// IsTemp reports whether path is the name of a temporary file beside a destination.
func IsTemp(path string) bool { return prefixOf(filepath.Base(path)) != "" }

// prefixOf returns a temporary name without its random part, and "" for other names.
func prefixOf(name string) string {
	prefix := strings.TrimRight(name, "0123456789abcdefghijklmnopqrstuvwxyz")
	if prefix == name || name[0] != '.' || !strings.HasSuffix(prefix, tempMark) || prefix == tempMark {
		return ""
	}
	return prefix
}
