// Package files reads configuration files and templates, and remembers what it read.
package files

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"restencil/watch/filewatch"
)

// A Reader reads the files of one configuration.
type Reader struct {
	// Opened are the templates that IsOpened names, which can be read once. A
	// configuration that is read again takes them from the one before.
	Opened map[string]string

	read []string // the names of the other files, and what was in them, in turn
}

// Same reports whether both have read the same files, with the same content.
func (r *Reader) Same(other *Reader) bool { return slices.Equal(r.read, other.read) }

// IsOpened reports whether a template is a file that the shell has opened, as for
// -template <(…). It may be a pipe.
func IsOpened(path string) bool {
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/")
}

// Template returns the content of a template.
func (r *Reader) Template(path string) (string, error) {
	if !IsOpened(path) {
		return r.readFile(path)
	}
	if text, ok := r.Opened[path]; ok {
		return text, nil
	}
	content, err := os.ReadFile(path)
	if err == nil {
		if r.Opened == nil {
			r.Opened = make(map[string]string)
		}
		r.Opened[path] = string(content)
	}
	return string(content), err
}

func (r *Reader) readFile(path string) (string, error) {
	content, err := filewatch.ReadFile(path)
	text := string(content)
	r.read = append(r.read, path, text)
	if err != nil {
		r.read = append(r.read, err.Error())
	}
	return text, err
}

// Load passes a configuration file to decode, or every file below a directory, in the
// order of their names. The directory itself may be a link; links to directories in it
// are skipped, and so are directories whose name begins with two dots: Kubernetes puts
// the files of a volume in one and links to each of them (COMPAT Q10). Files in a
// directory for which skip returns true are skipped, too.
func (r *Reader) Load(path string, skip func(name string) bool, decode func(name, text string) error) error {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return fmt.Errorf("missing file/folder: %s: %w", path, err)
	case err != nil:
		return fmt.Errorf("failed stating file: %s: %w", path, err)
	case info.Mode().IsRegular():
		return r.load(path, decode)
	case !info.IsDir():
		return fmt.Errorf("unknown filetype: %q", info.Mode().String())
	}
	return fs.WalkDir(os.DirFS(path), ".", func(name string, entry fs.DirEntry, err error) error {
		path := filepath.Join(path, filepath.FromSlash(name))
		switch {
		case err != nil:
			return fmt.Errorf("failed listing dir: %s: %w", path, err)
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".."):
			return fs.SkipDir
		case entry.IsDir(), skip(entry.Name()):
			return nil
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return nil // it is a link
		}
		return r.load(path, decode)
	})
}

func (r *Reader) load(path string, decode func(name, text string) error) error {
	text, err := r.readFile(path)
	if err != nil {
		return fmt.Errorf("from file: %s: %w", path, err)
	}
	return decode(path, text)
}
