package renderer

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"unicode/utf8"

	"restencil/renderer/atomicfile"
	"restencil/renderer/fileattr"
)

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

// fillTemp creates a file beside path with this mode, and has fill write it and
// set its attributes. It is on stable storage then. Where that fails, nothing
// stays behind.
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
// beyond most.
func (d dir) preserve(path string, most fs.FileMode) (name string, err error) {
	name = tempName(path)
	if target, err := d.readlink(path); err == nil {
		return name, d.symlink(target, name)
	}
	info, err := d.lstat(path)
	if err != nil {
		return "", err
	}
	if fileattr.Of(info).Mode&^most != 0 || d.link(path, name) != nil {
		return d.copyTemp(path, most)
	}
	return name, nil
}

// copyTemp copies the file at path to a temporary name, as far as possible
// with its owner, and with its mode as far as that is within most.
func (d dir) copyTemp(path string, most fs.FileMode) (name string, err error) {
	src, err := d.open(path, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
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
