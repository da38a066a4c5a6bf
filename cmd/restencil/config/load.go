package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// localConfig is the variable that holds configuration text (COMPAT 1.8), and
// the file name that its text goes by in messages.
const localConfig = "CT_LOCAL_CONFIG"

// load lays a configuration file over c, or every file of a directory.
func (c *Config) load(path string) error {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return fmt.Errorf("missing file/folder: %s: %w", path, err)
	case err != nil:
		return fmt.Errorf("failed stating file: %s: %w", path, err)
	case info.IsDir():
		return c.loadDirectory(path)
	case info.Mode().IsRegular():
		return c.loadFile(path)
	}
	return fmt.Errorf("unknown filetype: %q", info.Mode().String())
}

func (c *Config) loadFile(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("from file: %s: %w", path, err)
	}
	return c.decode(newSource(path, string(content)))
}

// loadDirectory loads every file below a directory, in the order of their
// names, whatever they are called. The directory itself may be a link; links to
// directories within it are passed over, and so are directories whose name
// begins with two dots: Kubernetes puts the files of a volume in such a one and
// links each of them from outside (COMPAT Q10).
func (c *Config) loadDirectory(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("failed listing dir: %s: %w", dir, err)
	}
	for _, entry := range entries {
		if err := c.loadEntry(filepath.Join(dir, entry.Name()), entry); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) loadEntry(path string, entry fs.DirEntry) error {
	if entry.IsDir() {
		if strings.HasPrefix(entry.Name(), "..") {
			return nil
		}
		return c.loadDirectory(path)
	}
	if entry.Type()&fs.ModeSymlink != 0 {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return nil
		}
	}
	return c.loadFile(path)
}
