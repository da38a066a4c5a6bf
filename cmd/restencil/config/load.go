package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"restencil/watch/filewatch"
)

// load gives a configuration file to decode, or every file below a directory, in
// the order of their names, whatever they are called. The directory itself may
// be a link; links to directories within it are passed over, and so are
// directories whose name begins with two dots: Kubernetes puts the files of a
// volume in such a one and links each of them from outside (COMPAT Q10). Of those
// in a directory, files for which skip returns true are passed over, too.
func load(path string, skip func(name string) bool, decode func(name, text string) error) error {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return fmt.Errorf("missing file/folder: %s: %w", path, err)
	case err != nil:
		return fmt.Errorf("failed stating file: %s: %w", path, err)
	case info.Mode().IsRegular():
		return loadFile(path, decode)
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
		return loadFile(path, decode)
	})
}

func loadFile(path string, decode func(name, text string) error) error {
	content, err := filewatch.ReadFile(path)
	if err != nil {
		return fmt.Errorf("from file: %s: %w", path, err)
	}
	return decode(path, string(content))
}
