package transaction

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

// extraFiles returns what writeToFile asks for, a file for each path. As in
// consul-template, neither the file nor its directory may be a symbolic link
// (COMPAT, appendix A, 0.42.1); unlike there, readers see the old content or the
// new, never a part.
func extraFiles(asked []funcs.File) ([]renderer.File, error) {
	var files []renderer.File
	known := make(map[string]int, len(asked)) // the place among files
	for _, f := range asked {
		path := filepath.Clean(f.Path)
		user, group := owners(f)
		want := renderer.File{
			Path:      path,
			Content:   []byte(f.Content),
			Perm:      fs.FileMode(f.Perms) & fs.ModePerm,
			User:      user,
			Group:     group,
			NoParents: true,
		}
		at, again := known[path]
		if !again {
			if err := noLinks(path); err != nil {
				return nil, err
			}
		}
		switch {
		case f.Append && again:
			want.Content = append(files[at].Content, want.Content...)
		case f.Append:
			old, err := renderer.ReadFile(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("writeToFile: %w", err)
			}
			want.Content = append(old, want.Content...)
		}
		if again {
			files[at] = want
			continue
		}
		known[path] = len(files)
		files = append(files, want)
	}
	return files, nil
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
