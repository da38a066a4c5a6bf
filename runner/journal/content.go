package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"restencil/renderer/atomicfile"
)

// A content tells what is at a path: a hash of a file's bytes, or where a
// symbolic link leads. Two that are equal are the same content.
type content string

const (
	nothing    content = ""  // there is no file
	unreadable content = "?" // there is something else, or it cannot be read
)

// contentOf returns what is at path.
func contentOf(path string) (content, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nothing, nil
	case err != nil:
		return unreadable, err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return unreadable, err
		}
		return content("link:" + sum([]byte(target))), nil
	case !info.Mode().IsRegular():
		return unreadable, atomicfile.Regular("read", path, info.Mode())
	}
	return fileContent(path)
}

func fileContent(path string) (content, error) {
	f, err := atomicfile.Open(path)
	if err != nil {
		return unreadable, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return unreadable, err
	}
	return content("sha256:" + hex.EncodeToString(h.Sum(nil))), nil
}

// sum returns the SHA-256 of data in hexadecimal.
func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// look returns moves, which have not been made yet, as they are noted.
func look(moves []Move) ([]move, error) {
	looked := make([]move, len(moves))
	known := make(map[string]bool)
	for i, m := range moves {
		var err error
		if looked[i], err = lookAt(m); err != nil {
			return nil, fmt.Errorf("cannot note the change of %s: %w", m.Path, err)
		}
		if known[looked[i].Path] {
			return nil, fmt.Errorf("cannot note the change of %s: it is changed twice", m.Path)
		}
		known[looked[i].Path] = true
	}
	return looked, nil
}

func lookAt(given Move) (m move, err error) {
	m = move{given: given.Path, Path: given.Path, Temp: given.Temp, Kept: given.Kept}
	for _, name := range []*string{&m.Path, &m.Temp, &m.Kept} {
		if *name == "" {
			continue
		}
		if *name, err = filepath.Abs(*name); err != nil {
			return move{}, err
		}
	}
	if m.Old, err = contentOf(m.Path); err != nil {
		return move{}, err
	}
	if m.New, err = contentOf(m.Temp); err != nil {
		return move{}, err
	}
	return m, m.check()
}
