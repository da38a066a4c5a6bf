package renderer

import (
	"cmp"
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
