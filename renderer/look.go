package renderer

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"restencil/renderer/atomicfile"
	"restencil/renderer/fileattr"
)

// chunk is how much of a file is compared at a time.
const chunk = 32 << 10

// defaultMode is that of a new file where none was asked for.
const defaultMode fs.FileMode = 0o644

// A found is what stands at a destination.
type found struct {
	exists bool           // the path leads to a file
	link   bool           // the path itself is a symbolic link
	same   bool           // the file holds the bytes wanted
	info   fs.FileInfo    // of the file; nil where there is none
	attrs  fileattr.Attrs // of the file; where there is none, what a new one has
	like   fileattr.Attrs // what another file in its place takes over
}

// look finds out what stands at the path of file, and whether it holds its
// content.
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
	if f.link && f.attrs.Foreign() {
		f.like = fresh
	}
	return f, nil
}

// is reports whether what is at its path, which info is of, has f's bytes. It
// reads no more than it must to say so.
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
	return equalBytes(file, f.Content)
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
