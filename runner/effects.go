package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"restencil/funcs"
	"restencil/renderer"
)

// writeExtra writes a file that a template asked for with writeToFile, and
// tells whether it changed. As in consul-template, neither the file nor its
// directory may be a symbolic link (COMPAT, appendix A, 0.42.1); unlike there,
// readers see the old content or the new, never a part.
func writeExtra(f funcs.File) (changed bool, err error) {
	path := filepath.Clean(f.Path)
	if err := noLinks(path); err != nil {
		return false, err
	}
	content := []byte(f.Content)
	if f.Append {
		if content, err = after(path, content); err != nil {
			return false, err
		}
	}
	user, group := owners(f)
	res, err := renderer.Write(renderer.File{
		Path:      path,
		Content:   content,
		Perm:      fs.FileMode(f.Perms) & fs.ModePerm,
		User:      user,
		Group:     group,
		NoParents: true,
	})
	return res.Change == renderer.Replaced, err
}

// noLinks makes the directory of path where there is none, and refuses links.
func noLinks(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, fs.ModePerm); err != nil {
		return fmt.Errorf("writeToFile: %w", err)
	}
	if isLink(dir) {
		return fmt.Errorf("writeToFile: refusing to write through symlinked directory in path %q", path)
	}
	if isLink(path) {
		return fmt.Errorf("writeToFile: refusing to write to symlink %q", path)
	}
	return nil
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// owners fills in the one of user and group that was not asked for with the
// process's own, where the other was.
func owners(f funcs.File) (user, group string) {
	user, group = f.User, f.Group
	if user == "" && group != "" {
		user = strconv.Itoa(os.Getuid())
	}
	if group == "" && user != "" {
		group = strconv.Itoa(os.Getgid())
	}
	return user, group
}

// after returns what the file at path holds, and then content.
func after(path string, content []byte) ([]byte, error) {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("writeToFile: %w", err)
	}
	return append(old, content...), nil
}
