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

// A dir is the directory of a destination. Its functions are those of package
// os, for paths of files in it. With a root they go through its descriptor: who
// puts another directory, or a link, in its place changes nothing.
type dir struct{ root *os.Root }

func (d dir) lstat(path string) (fs.FileInfo, error) {
	if d.root == nil {
		return os.Lstat(path)
	}
	info, err := d.root.Lstat(filepath.Base(path))
	return info, onBehalf(path, err)
}

// open is atomicfile.OpenFile.
func (d dir) open(path string, flag int) (*os.File, error) {
	if d.root == nil {
		return atomicfile.OpenFile(path, flag, 0)
	}
	f, err := atomicfile.OpenWith(d.root.OpenFile, filepath.Base(path), flag, 0)
	return f, onBehalf(path, err)
}

func (d dir) readlink(path string) (string, error) {
	if d.root == nil {
		return os.Readlink(path)
	}
	return d.root.Readlink(filepath.Base(path))
}

func (d dir) symlink(target, path string) error {
	if d.root == nil {
		return os.Symlink(target, path)
	}
	return onBehalf(path, d.root.Symlink(target, filepath.Base(path)))
}

func (d dir) link(from, to string) error {
	if d.root == nil {
		return os.Link(from, to)
	}
	return onBehalf(to, d.root.Link(filepath.Base(from), filepath.Base(to)))
}

// rename names the new path in its error, not the old one, which is temporary.
func (d dir) rename(from, to string) error {
	if d.root == nil {
		return onBehalf(to, os.Rename(from, to))
	}
	return onBehalf(to, d.root.Rename(filepath.Base(from), filepath.Base(to)))
}

func (d dir) remove(path string) error {
	if d.root == nil {
		return os.Remove(path)
	}
	return onBehalf(path, d.root.Remove(filepath.Base(path)))
}

// onBehalf returns err, of an operation on a temporary file, or by another name,
// as one on path.
func onBehalf(path string, err error) error {
	if linkErr, ok := errors.AsType[*os.LinkError](err); ok {
		return &fs.PathError{Op: linkErr.Op, Path: path, Err: linkErr.Err}
	}
	if pathErr, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: pathErr.Op, Path: path, Err: pathErr.Err}
	}
	return err
}

// overwrite gives the file at path, which stays the same file, the bytes of
// src and the attributes a.
func (d dir) overwrite(path string, src io.ReaderAt, size int64, a fileattr.Attrs) error {
	f, err := d.open(path, os.O_WRONLY)
	if err != nil {
		return err
	}
	err = a.Apply(f, func() error { return rewrite(f, src, size) })
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// rewrite replaces the bytes of f. What lies beyond its present end goes
// first: only that needs new space, and where there is none, f is as before.
func rewrite(f *os.File, src io.ReaderAt, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end := info.Size()
	if size > end {
		if err := copyRange(f, src, end, size); err != nil {
			return errors.Join(err, f.Truncate(end))
		}
	}
	if err := copyRange(f, src, 0, min(size, end)); err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	return f.Sync()
}

// copyRange copies the bytes from from up to to to the same place in f.
func copyRange(f *os.File, src io.ReaderAt, from, to int64) error {
	_, err := io.Copy(io.NewOffsetWriter(f, from), io.NewSectionReader(src, from, to-from))
	return err
}

// setAttrs sets mode and owner of the file at path, provided that it is still
// the one that was looked at.
func (d dir) setAttrs(path string, looked fs.FileInfo, a fileattr.Attrs) error {
	f, err := d.open(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, looked) {
		return fmt.Errorf("%s was replaced while its mode and owner were being set", path)
	}
	return a.Apply(f, nil)
}

const (
	// maxBase is how much of a destination's name its temporary names carry,
	// in bytes; a whole name may have 255.
	maxBase = 200

	// tempMark is what stands in a temporary name before the random part.
	tempMark = ".restencil-"

	// ownMode is the mode of a file that is nobody else's business.
	ownMode = 0o600
)

// tempName returns a name beside path that nothing has: part of it is random. No
// include pattern such as conf.d/* matches it, and it tells whose it is.
func tempName(path string) string {
	dir, base := filepath.Split(path)
	return dir + tempStem(base) + strconv.FormatUint(rand.Uint64(), 36)
}

// tempStem returns what temporary names for a file of this name begin with.
func tempStem(base string) string {
	if len(base) > maxBase {
		cut := maxBase
		for !utf8.RuneStart(base[cut]) {
			cut--
		}
		base = base[:cut]
	}
	return "." + base + tempMark
}

// fillTemp creates a file beside path with this mode, has fill write it and set its
// attributes, and puts it on stable storage. If that fails, nothing stays behind.
func (d dir) fillTemp(path string, mode fs.FileMode, fill func(*os.File) error) (name string, err error) {
	name = tempName(path)
	if err := atomicfile.Create(d.root, name, mode, fill); err != nil {
		return "", onBehalf(path, err)
	}
	return name, nil
}

// preserve gives what is at path a second, temporary name that outlives its
// replacement: a link, or a copy where there can be none (a mount point, a
// file system without links, somebody else's file) or it would have a mode
// beyond most. A copy has the owner as far as possible, and the mode within most.
func (d dir) preserve(path string, most fs.FileMode) (name string, err error) {
	name = tempName(path)
	if target, err := d.readlink(path); err == nil {
		return name, d.symlink(target, name)
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
	like := fileattr.Of(info)
	like.Mode &= most
	return d.fillTemp(path, ownMode, func(f *os.File) error {
		if _, err := io.Copy(f, src); err != nil {
			return err
		}
		_, err := like.ApplyNew(f, fileattr.AsItIs())
		return err
	})
}

// Sweep removes the temporary files of these destinations that a process left
// behind which was killed: those that have not been touched for so long. What
// cannot be read or removed stays.
func Sweep(untouched time.Duration, paths ...string) {
	stems := make(map[string]map[string]bool) // of the temporary files, by directory
	for _, path := range paths {
		dir, base := filepath.Split(filepath.Clean(path))
		if stems[dir] == nil {
			stems[dir] = make(map[string]bool)
		}
		stems[dir][tempStem(base)] = true
	}
	before := time.Now().Add(-untouched)
	for dir, own := range stems {
		entries, _ := os.ReadDir(cmp.Or(dir, "."))
		for _, e := range entries {
			if !own[stemOf(e.Name())] || !e.Type().IsRegular() {
				continue
			}
			if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
				_ = os.Remove(dir + e.Name())
			}
		}
	}
}

// IsTemp tells whether a file of this name is one of the temporary ones that
// are made beside destinations.
func IsTemp(path string) bool { return stemOf(filepath.Base(path)) != "" }

// stemOf returns what comes before the random part of a temporary name, and "" for
// any other name.
func stemOf(name string) string {
	stem := strings.TrimRight(name, "0123456789abcdefghijklmnopqrstuvwxyz")
	if stem == name || name[0] != '.' || !strings.HasSuffix(stem, tempMark) || stem == tempMark {
		return ""
	}
	return stem
}
