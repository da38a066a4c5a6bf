package renderer

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// chunk is how much of a file is compared at a time.
const chunk = 32 << 10

// A found is what stands at a destination.
type found struct {
	exists bool        // the path leads to a file
	link   bool        // the path itself is a symbolic link
	same   bool        // the file holds the bytes wanted
	info   fs.FileInfo // of the file; nil where there is none
	attrs  attrs       // of the file; where there is none, what a new one has
}

// look finds out what stands at path, and whether it holds content.
func look(path string, content []byte) (found, error) {
	missing := found{attrs: attrs{mode: defaultMode, owner: owner{-1, -1}}}
	if path != "" && os.IsPathSeparator(path[len(path)-1]) {
		return found{}, &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	}
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		missing.link = true
		info, err = os.Stat(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return missing, nil
	}
	if err != nil {
		return found{}, err
	}
	same, err := holds(path, info, content)
	if err != nil {
		return found{}, err
	}
	return found{exists: true, link: missing.link, same: same, info: info, attrs: attrsOf(info)}, nil
}

// holds reports whether the file at path, which info is of, has these bytes.
// It reads no more than it must to say so.
func holds(path string, info fs.FileInfo, content []byte) (bool, error) {
	switch {
	case info.IsDir():
		return false, &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return false, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if info.Size() != int64(len(content)) {
		return false, nil
	}
	return equalBytes(f, content)
}

// equalBytes reports whether r yields exactly content.
func equalBytes(r io.Reader, content []byte) (bool, error) {
	buf := make([]byte, min(chunk, len(content)+1))
	for {
		n, err := io.ReadFull(r, buf)
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
