package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"restencil/watch/filewatch"
)

// load passes a configuration file to decode, or every file below a directory, in the
// order of their names. The directory itself may be a link; links to directories in it
// are skipped, and so are directories whose name begins with two dots: Kubernetes puts
// the files of a volume in one and links to each of them (COMPAT Q10). Files in a
// directory for which skip returns true are skipped, too.
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
