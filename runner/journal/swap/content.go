package swap

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"restencil/renderer/atomicfile"
)

// A Content tells what is at a path: a hash of a file's bytes, or of where a
// symbolic link leads. Two that are equal are the same content.
type Content string

const (
	nothing    Content = ""  // there is no file
	unreadable Content = "?" // there is something else, or it cannot be read
)

// contentOf returns what is at path.
func contentOf(path string) (Content, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nothing, nil
	}
	if err != nil {
		return unreadable, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		if err != nil {
			return unreadable, err
		}
		return Content(fmt.Sprintf("link:%x", sha256.Sum256([]byte(target)))), nil
	}
	f, err := atomicfile.Open(path)
	if err != nil {
		return unreadable, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return unreadable, err
	}
	return Content(fmt.Sprintf("sha256:%x", h.Sum(nil))), nil
}
